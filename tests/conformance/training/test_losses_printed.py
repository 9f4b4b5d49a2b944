import numpy as np
import pytest

from conformance.training import claims
from conformance.training.losses import bound
from conformance.training.recipe import Strategy
from tests.conformance.training.stacked_losses import (
    BACKENDS,
    CASES,
    MODELS,
    call,
    inputs,
)


@pytest.mark.parametrize("backend", BACKENDS)
def test_ghmc_is_the_printed_one(backend):
    strategy, kind, shape = CASES["ghmc-printed"]
    logits, labels, _ = inputs(kind, shape)
    values, _, (counts,) = call(backend, strategy, (logits, labels, None))
    for model in range(MODELS):
        _, own = claims.ghmc(logits[model], labels[model])
        expected, own = claims.ghmc(logits[model], labels[model], own)
        np.testing.assert_allclose(values[model], expected, rtol=1e-13)
        np.testing.assert_allclose(counts[model], own, rtol=1e-13)


@pytest.mark.parametrize("backend", BACKENDS)
def test_ghmc_as_printed_leaves_empty_bins_alone(backend):
    counts = np.tile(np.arange(10.0), (MODELS, 1))
    near_zero = np.full((MODELS, 6), -9.0), np.zeros((MODELS, 6)), None
    strategy = Strategy("printed", "ghmc_as_printed")
    _, _, (after,) = call(backend, strategy, near_zero, state=[counts])
    np.testing.assert_allclose(after[:, 0], 6 * (1 - 0.75**2))
    np.testing.assert_array_equal(after[:, 1:], counts[:, 1:])


@pytest.mark.parametrize("backend", BACKENDS)
def test_ghmc_as_printed_drops_the_hardest(backend):
    logits = np.tile([-50.0, -1.0, 50.0], (MODELS, 1))
    labels = np.tile([1.0, 1.0, 0.0], (MODELS, 1))
    strategy = Strategy("printed", "ghmc_as_printed")
    values, slope, _ = call(backend, strategy, (logits, labels, None))
    np.testing.assert_array_equal(values[:, [0, 2]], 0)
    np.testing.assert_array_equal(slope[:, [0, 2]], 0)
    assert (values[:, 1] > 0).all()


@pytest.mark.parametrize("backend", BACKENDS)
def test_probabilities_are_clamped_and_dead_where_saturated(backend):
    logits = np.tile([200.0, -200.0, 50.0], (MODELS, 1))
    labels = np.tile([0.0, 1.0, 1.0], (MODELS, 1))
    strategy = Strategy("of p", "bce_of_probabilities")
    values, slope, _ = call(backend, strategy, (logits, labels, None))
    np.testing.assert_array_equal(values, [[100.0, 100.0, 0.0]] * MODELS)
    np.testing.assert_allclose(slope, 0, atol=1e-60)


@pytest.mark.parametrize("backend", BACKENDS)
def test_shifted_probabilities_are_bounded_and_die(backend):
    logits = np.tile([200.0, -200.0, 1.0], (MODELS, 1))
    labels = np.tile([0.0, 1.0, 0.0], (MODELS, 1))
    strategy = Strategy("shifted", "bce_of_shifted_probabilities")
    values, slope, _ = call(backend, strategy, (logits, labels, None))
    np.testing.assert_allclose(values[:, :2], -np.log(1e-7), rtol=1e-12)
    np.testing.assert_allclose(slope[:, :2], 0, atol=1e-60)
    p = 1 / (1 + np.exp(-logits[0]))
    expected = claims.bce_of_shifted_probabilities(p, labels[0])
    np.testing.assert_allclose(values[0, 2], expected[2], rtol=1e-14)


def test_options_of_printed_losses_reach_them():
    logits, labels, counts = np.array([-1.0, 2.0]), np.array([1.0, 0.0]), np.zeros(4)
    options = (("bins", 4), ("momentum", 0.5))
    loss = bound("numpy", Strategy("printed", "ghmc_as_printed", options))
    expected, after = claims.ghmc(logits, labels, bins=4, momentum=0.5)
    values, _, (found,) = loss(logits, labels, None, (counts,))
    np.testing.assert_allclose(values, expected, rtol=1e-14)
    np.testing.assert_allclose(found, after, rtol=1e-14)
