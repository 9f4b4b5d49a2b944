"""Priors and the decisions that follow from a posterior."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import fbeta_score

import refimpl
from refimpl import links


def test_prior_shift_is_bayes_rule():
    # Two classes with known densities at one x: 0.03 and 0.2.
    density = np.array([0.2, 0.03])

    def posterior(prior):
        return prior * density[1] / (prior * density[1] + (1 - prior) * density[0])

    found = links.prior_shift(posterior(0.3), from_prior=0.3, to_prior=0.02)
    assert found == pytest.approx(posterior(0.02), rel=1e-15)


def test_class_prior_shift_takes_counts_or_shares():
    density, old, new = (
        np.array([0.2, 0.03, 0.5]),
        np.array([0.2, 0.7, 0.1]),
        np.array([900.0, 90.0, 10.0]),
    )
    eta, wanted = (w * density / (w @ density) for w in (old, new))
    found = links.prior_shift(eta, from_prior=old * 50, to_prior=new)
    np.testing.assert_allclose(found, wanted, rtol=1e-14)
    turned = links.prior_shift(
        np.stack([eta, eta], axis=1), from_prior=old, to_prior=new, class_axis=0
    )
    np.testing.assert_allclose(turned[:, 1], wanted, rtol=1e-14)


@settings(deadline=None, derandomize=True)
@given(st.floats(0, 1), st.floats(1e-3, 0.999), st.floats(1e-3, 0.999))
def test_prior_shift_there_and_back(eta, old, new):
    there = links.prior_shift(eta, from_prior=old, to_prior=new)
    back = links.prior_shift(there, from_prior=new, to_prior=old)
    # On the way 1 - eta may fall by 1e6, and a probability near 1 keeps 1e-16 of it.
    assert back == pytest.approx(eta, rel=1e-9, abs=1e-15)


def test_binary_shift_is_that_of_two_classes():
    eta = np.array([0.0, 1e-300, 0.2, 0.9, 1.0])
    binary = links.prior_shift(eta, from_prior=0.3, to_prior=0.02)
    classes = links.prior_shift(
        np.stack([1 - eta, eta], -1), from_prior=[0.7, 0.3], to_prior=[0.98, 0.02]
    )
    np.testing.assert_allclose(classes[:, 1], binary, rtol=1e-14)


def test_weights_act_as_a_prior():
    eta = np.array([0.01, 0.3, 0.9])
    weighted = links.binary_cross_entropy_link(eta, pos_weight=9.0)
    # 10 % positives, balanced, weigh nine times as much as before.
    balanced = links.prior_shift(eta, from_prior=0.1, to_prior=0.5)
    np.testing.assert_allclose(
        weighted, links.binary_cross_entropy_link(balanced), rtol=1e-13
    )
    # Sampler and weight together multiply.
    both = links.binary_cross_entropy_link(balanced, pos_weight=9.0)
    np.testing.assert_allclose(
        both, links.binary_cross_entropy_link(eta, pos_weight=81.0), rtol=1e-13
    )


def test_small_batches_weaken_weights_in_the_normalizer():
    eta, w = np.array([0.8, 0.15, 0.05]), np.array([1.0, 3.0, 9.0])

    def slope(class_weights):
        x, total = links.cross_entropy_link(eta, class_weights=class_weights), 0
        for batch in product(range(3), repeat=2):
            y = np.array(batch)
            grad = refimpl.cross_entropy_grad(np.stack([x, x]), y, class_weights=w)
            total += eta[y].prod() * grad.sum(axis=0) / w[y].sum()
        return np.abs(total).max()

    assert slope(w * np.sum(eta / (w[:, None] + w), axis=1)) < 1e-16
    assert slope(w) > 0.01


def test_few_peaks_in_a_batch_weigh_less():
    eta = 0.2

    def slope(weight):
        x, total = links.sigmoid_focal_link(eta, pos_weight=weight), 0
        for batch in product([False, True], repeat=3):
            peak = np.array(batch)
            grad = refimpl.heatmap_focal_loss_grad(
                np.full(3, x), peak * 1.0, pos_mask=peak
            )
            chance = np.where(peak, eta, 1 - eta).prod()
            total += chance * grad.sum() / max(1, peak.sum())
        return abs(total)

    # Of two other places, none, one or both are peaks.
    chance = np.array([0.64, 0.32, 0.04])
    ratio = (chance @ [1, 1 / 2, 1 / 3]) / (chance @ [1, 1, 1 / 2])
    assert slope(ratio) < 1e-16
    assert slope(1.0) > 0.01


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"from_prior": 0.0, "to_prior": 0.5}, r"from_prior must be in \(0, 1\)"),
        ({"from_prior": 0.5, "to_prior": 1.0}, r"to_prior must be in \(0, 1\)"),
        ({"from_prior": 0.5, "to_prior": [0.5, 0.5]}, "both be numbers or both have"),
        ({"from_prior": [1, 1, 1], "to_prior": [1, 1, 1]}, r"must have shape \(2,\)"),
        (
            {"from_prior": [1, 0], "to_prior": [1, 1]},
            "from_prior must be finite and > 0",
        ),
    ],
)
def test_bad_priors_are_named(options, text):
    with pytest.raises(ValueError, match=text):
        links.prior_shift([0.4, 0.6], **options)


def test_cost_threshold_is_where_both_decisions_cost_the_same():
    costs = {
        "cost_false_positive": 3.0,
        "cost_false_negative": 20.0,
        "cost_true_positive": 2.0,
        "cost_true_negative": 0.5,
    }
    t = links.cost_threshold(**costs)
    positive = t * 2.0 + (1 - t) * 3.0
    negative = t * 20.0 + (1 - t) * 0.5
    assert positive == pytest.approx(negative, rel=1e-14)
    assert t == 2.5 / 20.5


@pytest.mark.parametrize(
    ("fp", "fn"),
    [(0.0, 1.0), (1.0, -2.0), (np.inf, 1.0), (np.nan, 1.0), (1e308, 1e308)],
)
def test_bad_costs_are_refused(fp, fn):
    with pytest.raises(ValueError, match="costs must be finite"):
        links.cost_threshold(cost_false_positive=fp, cost_false_negative=fn)


def test_what_is_no_number_is_named():
    none: Any = None
    with pytest.raises(TypeError, match="cost_true_negative must be a number"):
        links.cost_threshold(
            cost_false_positive=1.0, cost_false_negative=9.0, cost_true_negative=none
        )
    with pytest.raises(TypeError, match="beta must be a number"):
        links.fbeta_threshold([0.5], beta=none)
    with pytest.raises(ValueError, match=r"beta must be in \(0, 1e\+100\]"):
        links.fbeta_threshold([0.5], beta=1e200)


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0])
def test_fbeta_threshold_beats_every_other(beta):
    eta = np.random.default_rng(2).beta(0.4, 2.5, size=300)
    t = links.fbeta_threshold(eta, beta=beta)

    def expected(threshold):
        hit = eta >= threshold
        return (1 + beta**2) * eta[hit].sum() / (hit.sum() + beta**2 * eta.sum())

    best = max(expected(threshold) for threshold in eta)
    assert expected(t) == pytest.approx(best, rel=1e-14)
    assert t * (1 + beta**2) == pytest.approx(best, rel=1e-14)
    assert 0.01 < t < 0.99


def test_fbeta_threshold_is_best_on_labels_drawn_from_the_posterior():
    rng = np.random.default_rng(8)
    eta = rng.beta(0.3, 3, size=200_000)
    labels = rng.random(eta.size) < eta
    t = links.fbeta_threshold(eta, beta=2.0)
    scores = [fbeta_score(labels, eta >= s * t, beta=2.0) for s in (0.8, 1.0, 1.25)]
    # The standard error of these scores is about 0.003, and they share their labels.
    assert scores[1] > max(scores[0], scores[2])
    assert scores[1] == pytest.approx(5 * t, abs=0.01)


@pytest.mark.parametrize("bad", [[], [0.0, 0.0], [0.5, np.nan], [[0.5]], 0.5])
def test_bad_posteriors_are_refused(bad):
    with pytest.raises(ValueError, match="posteriors must have shape"):
        links.fbeta_threshold(bad)


def test_threshold_on_logits_is_the_link_of_that_on_the_posterior():
    eta = np.random.default_rng(4).random(1000)
    t = links.cost_threshold(cost_false_positive=1.0, cost_false_negative=9.0)
    logits, threshold = (links.sigmoid_focal_link(e, alpha=0.25) for e in (eta, t))
    np.testing.assert_array_equal(logits >= threshold, eta >= t)
