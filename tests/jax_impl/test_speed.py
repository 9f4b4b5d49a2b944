"""What makes the losses fast, as far as it shows without a clock."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jax_impl
from jax_impl._histogram import count
from jax_impl._reduce import sum_all
from jax_impl._stable import log1p

N, CLASSES = 1 << 18, 32
RNG = np.random.default_rng(7)
LOGITS = RNG.normal(size=N).astype(np.float32)
LABELS = (RNG.random(N) < 0.25).astype(np.float32)
ROWS = LOGITS.reshape(-1, CLASSES)
INDEX = RNG.integers(0, CLASSES, len(ROWS))
WEIGHTS = np.linspace(0.5, 2, CLASSES, dtype=np.float32)

ELEMENTWISE = [
    ("binary_cross_entropy_with_logits", {"pos_weight": 3.0, "label_smoothing": 0.1}),
    ("sigmoid_focal_loss", {"alpha": 0.25}),
    ("sigmoid_focal_loss", {"alpha": 0.25, "gamma": 1.5}),
    ("adaptive_bce_with_logits", {"pos_weight": 3.0}),
    ("heatmap_focal_loss", {}),
]


def _planned(name, options, *args):
    """What XLA plans for value and gradient, in arrays like the first argument."""

    def loss(*args):
        found = getattr(jax_impl, name)(*args, **options)
        return found[0] if isinstance(found, tuple) else found

    compiled = jax.jit(jax.value_and_grad(loss)).lower(*args).compile()
    memory = compiled.memory_analysis()
    assert memory is not None
    return memory.temp_size_in_bytes / args[0].nbytes


# Besides the gradient itself. The terms of the loss may lie where it will lie.
@pytest.mark.parametrize(("name", "options"), ELEMENTWISE)
def test_the_gradient_takes_the_memory_of_the_terms(name, options):
    allowed = 1.1 if name == "heatmap_focal_loss" else 0.1
    assert _planned(name, options, LOGITS, LABELS) < allowed


# The weights of all elements, their bins of a byte, and the terms.
@pytest.mark.parametrize("name", ["ghmc_loss", "ghmr_loss"])
def test_densities_take_little_memory(name):
    assert _planned(name, {}, LOGITS, LABELS) < 1.7


# Shares of the classes, and with label smoothing a copy with a hole at the label.
@pytest.mark.parametrize(
    ("name", "options", "allowed"),
    [
        ("cross_entropy", {}, 1.2),
        ("cross_entropy", {"class_weights": WEIGHTS, "label_smoothing": 0.1}, 2.3),
        ("softmax_focal_loss", {"class_weights": WEIGHTS}, 2.3),
    ],
)
def test_no_array_of_class_probabilities_for_labels(name, options, allowed):
    assert _planned(name, options, ROWS, INDEX) < allowed


@pytest.mark.parametrize("size", [0, 1, 4096, 4097, 70_001, 1 << 18])
@pytest.mark.parametrize("value", [0.1, 1 / 3, None])
def test_sums_are_as_exact_as_pairwise_ones(size, value):
    terms = RNG.random(size, np.float32) if value is None else np.full(size, value)
    terms = terms.astype(np.float32)
    exact = terms.astype(np.float64).sum()
    bound = (4 + np.log2(max(size, 1))) * 2.0**-24 * exact
    for total in (sum_all(jnp.asarray(terms)), jax.jit(sum_all)(terms)):
        assert abs(float(total) - exact) <= bound


def test_a_bad_element_leaves_other_gradients_alone():
    logits = jnp.asarray(LOGITS).at[5].set(jnp.nan)
    gradient = jax.grad(jax_impl.sigmoid_focal_loss)(logits, LABELS)
    assert np.flatnonzero(np.isnan(gradient)).tolist() == [5]


@pytest.mark.parametrize("size", [0, 7, 5000, 70_001])
@pytest.mark.parametrize("bins", [1, 5, 10, 33, 200])
def test_counts_are_exact(size, bins):
    # Two more than there are bins: what is bad, and what is not asked for.
    index = RNG.integers(0, bins + 2, size).astype(np.int8 if bins < 126 else np.int32)
    expected = np.bincount(index, minlength=bins)[:bins]
    found = jax.jit(count, static_argnums=1)(index, bins)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == jnp.int32


def test_counts_do_not_overflow_when_all_are_in_one_bin():
    index = np.full(100_000, 3, np.int8)
    assert count(jnp.asarray(index), 10).tolist() == [0, 0, 0, 100_000, *[0] * 6]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_log1p_under_jit(dtype):
    z = np.concatenate([10.0 ** -np.linspace(0, 30, 500), np.linspace(0, 1, 500)])
    with jax.enable_x64(dtype == "float64"):
        found = np.asarray(jax.jit(log1p)(z.astype(dtype)), np.longdouble)
    expected = np.log1p(z.astype(dtype).astype(np.longdouble))
    # Two roundings beyond the last, each half of eps.
    error = np.abs(found - expected) / np.maximum(expected, 1e-300)
    assert error.max() < 1.5 * np.finfo(dtype).eps
