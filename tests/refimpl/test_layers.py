from typing import Any

import numpy as np
import pytest

from refimpl.layers import (
    BatchStatistics,
    batch_norm,
    batch_norm_grad,
    dropout,
    dropout_mask,
    init_batch_norm,
    layer_norm,
    layer_norm_grad,
)

DRAW = {"rate": 0.3, "seed": 7, "step": 2, "layer": 1}


def inputs(shape=(5, 2, 3)):
    generator = np.random.default_rng(1)
    x = generator.normal(size=shape) * [0.2, 1.0, 30.0] + [5.0, 0.0, -40.0]
    return x, np.array([0.5, -2.0, 3.0]), np.array([0.1, 0.0, -7.0])


def test_a_mask_is_a_stream_of_its_seed_step_and_layer():
    mask = dropout_mask((400, 5), **DRAW)
    assert mask.shape == (400, 5)
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, dropout_mask((400, 5), **DRAW))
    for changed in ({"seed": 8}, {"step": 1}, {"layer": 2}, {"step": 1, "layer": 2}):
        other = dropout_mask((400, 5), **{**DRAW, **changed})
        # Independent masks agree in a share 0.7^2 + 0.3^2.
        assert abs((mask == other).mean() - 0.58) < 0.05


def test_a_mask_is_drawn_as_it_is_told():
    sequence = np.random.SeedSequence(7, spawn_key=(2, 1))
    uniforms = np.random.Generator(np.random.PCG64(sequence)).random((40, 5))
    np.testing.assert_array_equal(dropout_mask((40, 5), **DRAW), uniforms >= 0.3)


def test_the_rate_is_what_is_dropped():
    # Five standard deviations of 10^5 draws.
    assert abs(dropout_mask((10**5,), **DRAW).mean() - 0.7) < 5 * 0.46 / 10**2.5
    assert dropout_mask((3, 0), **DRAW).shape == (3, 0)
    assert dropout_mask((1000,), **{**DRAW, "rate": 0.0}).all()


def test_a_larger_rate_drops_more_of_the_same():
    few, many = (dropout_mask((999,), **{**DRAW, "rate": r}) for r in (0.2, 0.7))
    assert not (many & ~few).any()


def test_dropout_keeps_the_mean_and_drops_infinities():
    x = np.array([1.0, np.inf, -3.0])
    kept = dropout(x, np.array([True, False, True]), rate=0.2)
    np.testing.assert_array_equal(kept, [1.25, 0.0, -3.75])


def test_batch_norm_by_hand():
    x, scale, bias = inputs()
    state = BatchStatistics(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]))
    options = {"momentum": 0.3, "eps": 0.02, "unbiased": True}
    outputs, new = batch_norm(x, scale, bias, state, training=True, **options)
    rows = x.reshape(-1, 3)
    for feature in range(3):
        column = rows[:, feature]
        mean = column.sum() / 10
        variance = ((column - mean) ** 2).sum() / 10
        expected = (x[..., feature] - mean) / (variance + 0.02) ** 0.5
        np.testing.assert_allclose(
            outputs[..., feature], expected * scale[feature] + bias[feature], rtol=1e-13
        )
        moved = 0.7 * state.variance[feature] + 0.3 * variance * 10 / 9
        np.testing.assert_allclose(new.variance[feature], moved, rtol=1e-14)
        moved = 0.7 * state.mean[feature] + 0.3 * mean
        np.testing.assert_allclose(new.mean[feature], moved, rtol=1e-14)
    assert state.mean.tolist() == [1.0, 2.0, 3.0]


def test_inference_takes_the_running_statistics_and_leaves_them():
    x, scale, bias = inputs()
    state = BatchStatistics(np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0]))
    options = {"momentum": 0.3, "eps": 0.02, "unbiased": True}
    outputs, same = batch_norm(x, scale, bias, state, training=False, **options)
    expected = (x - state.mean) / np.sqrt(state.variance + 0.02) * scale + bias
    np.testing.assert_allclose(outputs, expected, rtol=1e-14)
    assert same is state


def train(x, scale, bias):
    options = {"momentum": 0.1, "eps": 0.03, "unbiased": False}
    return batch_norm(x, scale, bias, init_batch_norm(scale), training=True, **options)[
        0
    ]


def across(x, scale, bias):
    return layer_norm(x, scale, bias, eps=0.03)


@pytest.mark.parametrize(
    ("function", "gradient"), [(train, batch_norm_grad), (across, layer_norm_grad)]
)
def test_gradient_is_the_slope(function, gradient):
    arguments = inputs()
    upstream = np.random.default_rng(2).normal(size=arguments[0].shape)
    x, scale, _ = arguments
    for position, analytic in enumerate(gradient(x, scale, upstream, eps=0.03)):
        assert analytic.shape == arguments[position].shape
        for place in np.ndindex(analytic.shape):
            ends = []
            for shift in (1e-5, -1e-5):
                moved = [array.copy() for array in arguments]
                moved[position][place] += shift
                ends.append((function(*moved) * upstream).sum())
            slope = (ends[0] - ends[1]) / 2e-5
            # Rounding of sums near 100 over the step, and the third derivative.
            np.testing.assert_allclose(analytic[place], slope, rtol=1e-6, atol=1e-7)


def test_equal_values_without_eps_are_not_a_number():
    x, one, zero = np.array([[2.0, 3.0], [2.0, 5.0]]), np.ones(2), np.zeros(2)
    options = {"training": True, "momentum": 0.1, "unbiased": False, "eps": 0.0}
    outputs, _ = batch_norm(x, one, zero, init_batch_norm(one), **options)
    np.testing.assert_array_equal(outputs, [[np.nan, -1.0], [np.nan, 1.0]])
    outputs = layer_norm(x.T, one, zero, eps=0.0)
    np.testing.assert_array_equal(outputs, [[np.nan, np.nan], [-1.0, 1.0]])
    gradient, *_ = layer_norm_grad(x.T, one, x.T, eps=0.0)
    np.testing.assert_array_equal(np.isnan(gradient), [[True, True], [False, False]])


def mask_of(shape: Any):
    return dropout_mask(shape, **DRAW)


BAD = [
    (lambda x, s, b: layer_norm(x, s[:2], b, eps=0.0), ValueError, r"scale must have"),
    (lambda x, s, b: layer_norm(x, s, b, eps=-1.0), ValueError, "eps must be finite"),
    (lambda x, s, b: layer_norm(x[..., :0], s, b, eps=0.0), ValueError, "features"),
    (
        lambda x, s, b: layer_norm(x.astype(int), s, b, eps=0.0),
        TypeError,
        "inputs must",
    ),
    (lambda x, s, b: train(x[:1, :1], s, b), ValueError, "two or more values"),
    (lambda x, s, _: batch_norm_grad(x, s, x[0], eps=0.0), ValueError, "same shape"),
    (
        lambda x, *_: dropout(x, x > 0, rate=1.0),
        ValueError,
        r"rate must be in \[0, 1\)",
    ),
    (lambda x, *_: dropout(x, x, rate=0.5), TypeError, "mask must be boolean"),
    (lambda x, *_: dropout(x, x[0] > 0, rate=0.5), ValueError, "mask must have shape"),
    (lambda x, *_: dropout(x, None, rate=0.5), TypeError, "mask must be an array"),
    (
        lambda *_: dropout_mask((2,), **{**DRAW, "step": -1}),
        ValueError,
        "step must be >= 0",
    ),
    (lambda *_: mask_of((2, -1)), ValueError, r"shape\[1\] must be >= 0"),
    (lambda *_: mask_of((2.5,)), TypeError, r"shape\[0\] must be an int"),
    (lambda *_: mask_of(3), TypeError, "shape must be a tuple"),
]


@pytest.mark.parametrize(("call", "error", "text"), BAD)
def test_bad_input_is_named(call, error, text):
    with pytest.raises(error, match=text):
        call(*inputs())


@pytest.mark.parametrize(
    ("changed", "error", "text"),
    [
        ({"training": 1}, TypeError, "training must be True or False, got 1"),
        ({"unbiased": None}, TypeError, "unbiased must be True or False"),
        ({"momentum": 1.5}, ValueError, r"momentum must be in \[0, 1\], got 1.5"),
        ({"state": BatchStatistics(np.ones(3), np.ones(2))}, ValueError, "state var"),
        ({"state": (np.ones(3), np.ones(3))}, TypeError, "state must be of type"),
    ],
)
def test_bad_options_are_named(changed, error, text):
    x, scale, bias = inputs()
    options = {"training": True, "momentum": 0.1, "eps": 0.1, "unbiased": True}
    options = {"state": init_batch_norm(scale), **options, **changed}
    with pytest.raises(error, match=text):
        batch_norm(x, scale, bias, **options)
