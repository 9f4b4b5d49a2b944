import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
import torch

from conformance.training.losses import PRINTED, bound, initial_state
from conformance.training.recipe import Strategy
from refimpl import binary_cross_entropy_with_logits as bce
from refimpl import binary_cross_entropy_with_logits_grad as bce_grad
from tests.conformance.training.stacked_losses import (
    BACKENDS,
    BCE,
    CASES,
    MINING,
    MODELS,
    call,
    inputs,
    later_state,
)

FROZEN = [name for name in CASES if "ghmc" in name or "mined" in name]
SMOOTH = [name for name in CASES if name not in FROZEN]


def assert_rounded(actual, expected):
    # A logit of 200 and a division by 1e-7 amplify roundings some hundred times; a
    # wrong constant is off by far more.
    np.testing.assert_allclose(actual, expected, rtol=2.0**-44, atol=2.0**-52)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_backends_agree_in_float64(backend, name):
    strategy, kind, shape = CASES[name]
    arrays = inputs(kind, shape)
    first = later_state(strategy)
    values, slope, state = call(backend, strategy, arrays, state=first)
    expected, expected_slope, expected_state = call(
        "numpy", strategy, arrays, state=first
    )
    assert values.shape == arrays[1].shape
    assert values.dtype == slope.dtype == np.float64
    assert_rounded(values, expected)
    assert_rounded(slope, expected_slope)
    for own, other in zip(state, expected_state, strict=True):
        assert own.dtype == other.dtype
        assert_rounded(own, other)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_float32_stays_float32(backend, name):
    strategy, kind, shape = CASES[name]
    arrays = inputs(kind, shape, saturated=0.0)
    values, slope, state = call(backend, strategy, arrays, "float32")
    assert values.dtype == slope.dtype == np.float32
    kinds = [part.dtype.kind for part in state]
    assert kinds == [part.dtype.kind for part in initial_state(strategy, 1)]
    assert all(part.dtype == np.float32 for part in state if part.dtype.kind == "f")
    # Of 1 - p at 12, the largest logit, float32 keeps two digits.
    expected, expected_slope, _ = call("numpy", strategy, arrays)
    for actual, wanted in ((values, expected), (slope, expected_slope)):
        np.testing.assert_allclose(actual, wanted, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("name", SMOOTH)
def test_gradient_of_numpy_is_a_central_difference(name):
    strategy, kind, shape = CASES[name]
    logits, labels, weights = inputs(kind, shape, saturated=0.0)
    step = 2.0**-17
    slope = call("numpy", strategy, (logits, labels, weights))[1]
    flat = logits.reshape(MODELS, -1)
    found = np.zeros_like(flat)
    for place in range(flat.shape[1]):
        moved = np.zeros_like(flat)
        moved[:, place] = step
        above, below = (
            call("numpy", strategy, (near.reshape(logits.shape), labels, weights))[0]
            for near in (flat + moved, flat - moved)
        )
        rises = (above - below).reshape(MODELS, -1)
        found[:, place] = rises.sum(axis=1) / (2 * step)
    # What is cut off is of the step squared; 2**-52 / step is rounding.
    np.testing.assert_allclose(slope, found.reshape(slope.shape), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", FROZEN)
def test_gradient_takes_the_weights_of_examples_as_constants(name):
    strategy, kind, shape = CASES[name]
    logits, labels, weights = arrays = inputs(kind, shape, saturated=0.0)
    values, slope, _ = call("numpy", strategy, arrays, state=later_state(strategy))
    for model in range(MODELS):
        own = {} if weights is None else {"pos_weight": weights[model]}
        plain = bce(logits[model], labels[model], reduction="none", **own)
        expected = values[model] / plain * bce_grad(logits[model], labels[model], **own)
        assert_rounded(slope[model], expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_mined_adds_the_mean_of_the_hard(backend):
    logits = np.tile(np.linspace(-2.0, 2.5, 12), (MODELS, 1))
    labels = np.zeros((MODELS, 12))
    values, slope, _ = call(
        backend, Strategy("mined", BCE, mining=MINING), (logits, labels, None)
    )
    plain, hard = bce(logits, labels, reduction="none"), slice(10, 12)
    expected = plain.mean(axis=1) + 0.3 * plain[:, hard].mean(axis=1)
    assert_rounded(values.mean(axis=1), expected)
    assert_rounded(values[:, :10], plain[:, :10])
    factor = slope / bce_grad(logits, labels)
    # A fifth of twelve is not whole: two are hard.
    assert_rounded(factor[:, hard], 1 + 0.3 * 12 / 2)


@pytest.mark.parametrize("backend", BACKENDS)
def test_mined_takes_whole_examples_of_many_labels(backend):
    logits = np.zeros((MODELS, 5, 2))
    # The hardest single label is in row 1, the hardest example is row 3.
    logits[:, 1, 0], logits[:, 3] = 3.0, 2.5
    values = call(
        backend,
        Strategy("mined", BCE, mining=MINING),
        (logits, np.zeros_like(logits), None),
    )[0]
    factor = values / bce(logits, np.zeros_like(logits), reduction="none")
    expected = np.ones_like(logits)
    expected[:, 3] = 1 + 0.3 * 5
    assert_rounded(factor, expected)


@pytest.mark.parametrize("backend", BACKENDS)
def test_state_is_carried(backend):
    strategy, kind, shape = CASES["ghmc"]
    logits, labels, _ = inputs(kind, shape)
    _, _, (counts, updates) = call(backend, strategy, (logits, labels, None))
    # Two updates at momentum 0.75 hold 1 - 0.75**2 of the same counts.
    assert_rounded(counts.sum(axis=1), 40 * 0.4375)
    np.testing.assert_array_equal(np.unique(updates), [0, 2])


def test_initial_state_has_a_row_for_each_model():
    counts, updates = initial_state(CASES["ghmc-heatmap"][0], 3)
    assert counts.shape == updates.shape == (3, 7)
    assert (counts.dtype, updates.dtype) == (np.float64, np.int64)
    (counts,) = initial_state(CASES["ghmc-printed"][0], 2)
    assert counts.shape == (2, 10)
    assert initial_state(CASES["bce"][0], 3) == []


def test_equal_losses_are_one_object():
    one, other = (Strategy(name, BCE) for name in ("one", "other"))
    assert bound("jax", one) is bound("jax", other)
    assert bound("jax", one) is not bound("jax", CASES["bce-mined"][0])
    assert bound("jax", one) is not bound("torch", one)


def test_every_backend_has_what_is_printed():
    for backend in BACKENDS:
        module = import_module(f"conformance.training.losses._{backend}")
        assert tuple(module._PRINTED) == PRINTED


def test_a_backend_is_imported_by_name_only():
    code = (
        "import sys; from conformance.training.losses import bound\n"
        "from conformance.training.recipe import Strategy\n"
        f"bound('numpy', Strategy('plain', {BCE!r}))\n"
        "assert not {'torch', 'jax'} & set(sys.modules)\n"
        f"bound('torch', Strategy('plain', {BCE!r}))\n"
        "assert 'torch' in sys.modules and 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_weight_without_an_argument_is_an_error():
    with pytest.raises(TypeError, match="unexpected keyword"):
        bound("numpy", Strategy("plain", BCE))(np.zeros(2), np.zeros(2), 3.0, ())


def test_gradient_of_probabilities_is_that_of_torch():
    logits = np.concatenate([np.linspace(-200, 200, 81), np.linspace(-9, 9, 37)])
    for label in (0.0, 0.3, 1.0):
        labels = np.full_like(logits, label)
        leaf = torch.tensor(logits, requires_grad=True)
        theirs = torch.nn.functional.binary_cross_entropy(
            leaf.sigmoid(), torch.tensor(labels), reduction="none"
        )
        (slope,) = torch.autograd.grad(theirs.sum(), leaf)
        loss = bound("numpy", Strategy("of p", "bce_of_probabilities"))
        values, own, _ = loss(logits, labels, None, ())
        near = np.abs(logits) < 10  # further out their sigmoid has another last digit
        for ours, other in ((values, theirs.detach()), (own, slope)):
            np.testing.assert_allclose(ours[near], other.numpy()[near], rtol=1e-11)
            np.testing.assert_allclose(ours, other.numpy(), rtol=0.5, atol=1e-12)
