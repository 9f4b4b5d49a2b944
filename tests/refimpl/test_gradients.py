import numpy as np
import optax
import pytest
import torch

from refimpl.gradients import (
    OPTAX_CLIP_EPS,
    TORCH_CLIP_EPS,
    check_finite,
    clip_by_global_norm,
    global_norm,
    largest_gradients,
    nonfinite,
)
from tests.backends import JAX


def drawn(seed, factor=1.0):
    generator = np.random.default_rng(seed)
    shapes = ((4, 3), (3,), (), (2, 1, 5))
    return [np.asarray(factor * generator.normal(size=shape)) for shape in shapes]


def assert_same(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        # Two orders of summation of 26 squares, and three more roundings.
        np.testing.assert_allclose(a, b, rtol=1e-14)


@pytest.mark.parametrize("factor", [0.01, 1.0, 100.0])
def test_clipping_is_torchs_with_its_eps(factor):
    gradients = drawn(1, factor)
    tensors = [torch.zeros(g.shape, dtype=torch.float64) for g in gradients]
    for tensor, gradient in zip(tensors, gradients, strict=True):
        tensor.grad = torch.tensor(gradient)
    norm = torch.nn.utils.clip_grad_norm_(tensors, 0.7)
    clipped, own = clip_by_global_norm(gradients, 0.7, eps=TORCH_CLIP_EPS)
    assert float(own) == pytest.approx(float(norm), rel=1e-14)
    assert_same(clipped, [tensor.grad for tensor in tensors])


@pytest.mark.parametrize("factor", [0.01, 1.0, 100.0])
def test_clipping_is_optaxs_without_eps(factor):
    gradients = drawn(2, factor)
    with JAX.precision("float64"):
        clip = optax.clip_by_global_norm(0.7)
        theirs, _ = clip.update([JAX.array(g) for g in gradients], optax.EmptyState())
        clipped, _ = clip_by_global_norm(gradients, 0.7, eps=OPTAX_CLIP_EPS)
        assert_same(clipped, theirs)


def test_known_values():
    three_four = [np.array([3.0, 4.0])]
    torchs, _ = clip_by_global_norm(three_four, 1.0, eps=TORCH_CLIP_EPS)
    optaxs, _ = clip_by_global_norm(three_four, 1.0, eps=OPTAX_CLIP_EPS)
    np.testing.assert_allclose(torchs[0], (0.59999988, 0.79999984), rtol=1e-9)
    np.testing.assert_allclose(optaxs[0], (0.6, 0.8), rtol=1e-15)


@pytest.mark.parametrize(("norm", "factor"), [(1.0, 1 / 1.5), (0.75, 1 / 1.25)])
def test_norms_within_eps_below_the_limit_are_scaled(norm, factor):
    clipped, _ = clip_by_global_norm([np.array([norm])], 1.0, eps=0.5)
    np.testing.assert_allclose(clipped[0], [norm * factor], rtol=1e-15)
    untouched, _ = clip_by_global_norm([np.array([0.5])], 1.0, eps=0.5)
    assert untouched[0][0] == 0.5


@pytest.mark.parametrize("unit", [1e-320, 5e-200, 1.0, 1e150, 3e307])
def test_norm_neither_overflows_nor_underflows(unit):
    # A subnormal unit has few digits, and 3 and 4 units are rounded to them.
    gradients = [np.array([3 * unit]), np.array([[4 * unit]])]
    assert float(global_norm(gradients)) == pytest.approx(5 * unit, rel=1e-3, abs=0)
    if unit > 1e-300:
        assert float(global_norm(gradients)) == pytest.approx(5 * unit, rel=4e-16)


def test_scaling_by_a_power_of_two_rounds_nothing():
    for seed in range(50):
        gradients = drawn(seed, 10.0 ** (seed - 25))
        plain = np.sqrt(sum(np.sum(g * g) for g in gradients))
        assert float(global_norm(gradients)) == plain


def test_norm_beyond_the_largest_number_is_infinite():
    assert float(global_norm([np.full(4, 1.7e308)])) == np.inf


def test_each_model_of_a_stack_has_its_own_norm():
    stacked = {
        "kernel": np.array([[[3.0], [4.0]], [[0.3], [0.4]]]),
        "bias": np.zeros(2),
    }
    clipped, norms = clip_by_global_norm(stacked, 1.0, eps=0.0, stack_axes=1)
    np.testing.assert_allclose(norms, (5.0, 0.5), rtol=1e-15)
    np.testing.assert_allclose(
        clipped["kernel"][..., 0], [[0.6, 0.8], [0.3, 0.4]], rtol=1e-15
    )


def test_limits_out_of_range_raise_as_arrays_too():
    for limit in (0.0, np.array(-1.0), np.array(np.nan)):
        with pytest.raises(ValueError, match="max_norm must be finite and > 0"):
            clip_by_global_norm([np.ones(2)], limit, eps=0.0)
    with pytest.raises(ValueError, match=r"eps must be finite and >= 0, got -6\.0"):
        clip_by_global_norm([np.ones(2)], 1.0, eps=np.array(-6.0))


def test_zero_gradients_stay_zero():
    zero, norm = clip_by_global_norm([np.zeros(2)], 1.0, eps=0.0)
    assert zero[0].tolist() == [0.0, 0.0]
    assert float(norm) == 0.0


def test_clipping_cures_no_nan():
    lost, norm = clip_by_global_norm(
        [np.array([np.nan, 1.0]), np.ones(1)], 1.0, eps=0.0
    )
    assert all(np.isnan(g).all() for g in (*lost, norm))
    lost, norm = clip_by_global_norm(
        [np.array([np.inf, 1.0]), np.ones(1)], 1.0, eps=0.0
    )
    np.testing.assert_array_equal(lost[0], [np.nan, 0.0])
    np.testing.assert_array_equal(lost[1], [0.0])
    assert float(norm) == np.inf


def test_arguments_are_left_as_they_are():
    gradients = drawn(4, 100.0)
    before = [g.copy() for g in gradients]
    clip_by_global_norm(gradients, 0.7, eps=0.0)
    assert_same(gradients, before)


def test_everything_bad_is_told_at_once():
    bad = np.ones((2, 3))
    bad[0, 2], bad[1, 0], bad[1, 1] = -np.inf, np.nan, np.nan
    gradients = {"a.kernel": bad, "a.bias": np.ones(3), "b.bias": np.array([np.inf])}
    counts = nonfinite(gradients)
    assert {name: int(n) for name, n in counts.items()} == {
        "a.kernel": 3,
        "a.bias": 0,
        "b.bias": 1,
    }
    with pytest.raises(FloatingPointError) as caught:
        check_finite(gradients)
    assert str(caught.value) == (
        "2 of 3 gradients are not finite: "
        "'a.kernel' has 2 NaN and 1 infinite of 6, the first at (0, 2): -inf; "
        "'b.bias' has 1 infinite of 1, the first at (0,): inf."
    )


def test_largest_by_parameter_and_layer():
    gradients = {
        "a.kernel": np.array([[1.0, -7.0]]),
        "a.bias": np.array(2.0),
        "a.b.bias": np.array([-0.5]),
        "scale": np.array([np.nan, 9.0]),
        "empty": np.zeros((0, 3)),
    }
    found = largest_gradients(gradients)
    assert list(found) == list(gradients)
    np.testing.assert_array_equal(list(found.values()), [7.0, 2.0, 0.5, np.nan, 0.0])
    layers = largest_gradients(gradients, per="layer")
    assert list(layers) == ["a", "a.b", ""]
    np.testing.assert_array_equal(list(layers.values()), [7.0, 0.5, np.nan])
