import numpy as np
import pytest

import refimpl
from refimpl.links import ghmc_link, ghmc_posterior

# Many easy examples, few of middling difficulty, some outliers; in five bins the
# middle one is its own mirror.
FOUR = np.array([900.0, 60.0, 40.0, 80.0])
FIVE = np.array([50.0, 700.0, 10.0, 90.0, 400.0])


def state(counts):
    return refimpl.GHMState(counts, np.full(len(counts), 500))


def slope(x, eta, counts):
    """Expected gradient of the loss, its weights held by a heavy moving average."""
    heavy = refimpl.GHMState(counts * 1e18, np.full(len(counts), 500))
    fall, rise = (
        refimpl.ghmc_loss_grad(
            x, np.full(len(x), label), heavy, bins=len(counts), momentum=0.5
        )
        for label in (1.0, 0.0)
    )
    return eta * fall + (1 - eta) * rise


@pytest.mark.parametrize("counts", [FOUR, FOUR[::-1], FIVE])
def test_gradient_points_to_the_link_and_nowhere_before(counts):
    for eta in np.linspace(0.003, 0.997, 71):
        x = float(ghmc_link(eta, state(counts)))
        # Both labels meet every bin, so that the weights of both calls are alike.
        everywhere = np.linspace(-9, 9, 40)
        before = x - np.geomspace(1e-9, 9, 200)
        found = slope(np.concatenate([before, [x + 1e-9], everywhere]), eta, counts)
        assert (found[:200] < 0).all()
        assert found[200] > 0


@pytest.mark.parametrize(
    ("counts", "has_edges"), [(FOUR, True), (FOUR[::-1], False), (FIVE, True)]
)
def test_inverse_undoes_the_link_away_from_edges(counts, has_edges):
    eta = np.linspace(0.003, 0.997, 301)
    x = ghmc_link(eta, state(counts))
    edges = np.arange(1, len(counts)) / len(counts)
    inside = np.abs(x[:, None] - np.log(edges / (1 - edges))).min(axis=1) > 1e-12
    assert inside.sum() > 30
    assert has_edges == (~inside).any()
    back = ghmc_posterior(x, state(counts))
    np.testing.assert_allclose(back[inside], eta[inside], rtol=1e-14)
    # At an edge, the posteriors on both sides of it enclose what was given.
    below, above = (ghmc_posterior(x + d, state(counts)) for d in (-1e-9, 1e-9))
    assert ((below < eta) & (eta < above))[~inside].all()


def test_equal_densities_are_cross_entropy():
    value = np.array([-700.0, -3.0, 0.2, 50.0, np.inf, np.nan])
    flat = state(np.full(10, 7.0))
    np.testing.assert_array_equal(ghmc_link(value, flat, log_odds=True), value)
    np.testing.assert_array_equal(ghmc_posterior(value, flat, log_odds=True), value)


def test_far_logits_use_the_outer_bins():
    counts = np.array([900.0, 60.0, 40.0, 80.0])
    found = ghmc_posterior(np.array([-800.0, 800.0]), state(counts), log_odds=True)
    shift = np.log(900 / 80)
    np.testing.assert_allclose(found, [-800 - shift, 800 + shift], rtol=1e-15)


def test_scale_of_the_counts_does_not_matter():
    eta = np.linspace(0.01, 0.99, 50)
    x = ghmc_link(eta, state(FIVE))
    np.testing.assert_allclose(ghmc_link(eta, state(FIVE * 1e6)), x, rtol=1e-13)


@pytest.mark.parametrize(
    ("bad", "error", "text"),
    [
        (None, TypeError, r"state must be a pair \(counts, updates\), got NoneType"),
        (FOUR, TypeError, "got ndarray"),
        (
            state(np.array([3.0, 0.0])),
            ValueError,
            "state counts must be finite and > 0",
        ),
        ((FOUR, np.ones(4)), TypeError, "state updates must be integers"),
        ((FOUR, np.ones(3, int)), ValueError, "state updates must have shape"),
    ],
)
@pytest.mark.parametrize("function", [ghmc_link, ghmc_posterior])
def test_bad_states_are_named(function, bad, error, text):
    with pytest.raises(error, match=text):
        function(0.5, bad)


def test_descent_at_given_densities_ends_at_the_link():
    eta = np.array([0.01, 0.12, 0.45, 0.5, 0.8, 0.95])
    x, step = np.full(eta.shape, -6.0), 0.1
    everywhere = np.linspace(-9, 9, 40)  # so that every bin is met
    every_eta = np.concatenate([eta, np.full(40, 0.5)])
    while step > 1e-6:
        found = slope(np.concatenate([x, everywhere]), every_eta, FOUR)
        x, step = x - step * np.sign(found[: len(x)]), step * 0.99
    # The steps left would add up to a hundred of the last.
    np.testing.assert_allclose(x, ghmc_link(eta, state(FOUR)), atol=1e-4)
