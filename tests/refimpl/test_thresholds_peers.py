"""The returned score is scikit-learn's at the returned threshold, and its best."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import (
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    fbeta_score,
    precision_recall_curve,
    roc_curve,
)

from refimpl.thresholds import search_threshold

# Both sides round a few times, in another order.
ROUNDING: dict[str, Any] = {"rel": 4e-16, "abs": 4e-16}
# Weighted sums of 500 numbers in another order.
WEIGHTED: dict[str, Any] = {"rel": 1e-13}
SEEDS = pytest.mark.parametrize("seed", range(6))


def draw(seed, size=500):
    """An imbalanced sample with ties, in one of three dtypes, and odd weights."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(size) < (0.02, 0.1, 0.6)[seed % 3]).astype(int)
    scores = rng.normal(size=size) + 2 * labels
    dtype = ("float64", "float32", "float16")[seed % 3]
    scores = np.round(scores, 1 + seed % 2).astype(dtype)
    return scores, labels, None if seed < 3 else rng.random(size) + 0.1


@SEEDS
@pytest.mark.parametrize("beta", [1.0, 0.5, 3.7])
def test_f_beta(seed, beta):
    scores, labels, weight = draw(seed)
    options: dict[str, Any] = {} if beta == 1 else {"objective": "fbeta", "beta": beta}
    found = search_threshold(scores, labels, sample_weight=weight, **options)

    def peer(cut):
        return fbeta_score(labels, scores >= cut, beta=beta, sample_weight=weight)

    close = ROUNDING if weight is None else WEIGHTED
    assert found.score == pytest.approx(peer(found.value), **close)
    best = max(peer(cut) for cut in np.unique(scores))
    assert found.score == pytest.approx(best, **close)
    if weight is None and beta == 1:
        assert found.score == f1_score(labels, scores >= found.value)


@SEEDS
def test_balanced_accuracy_and_youden(seed):
    scores, labels, weight = draw(seed)
    close = ROUNDING if weight is None else WEIGHTED
    balanced, youden = (
        search_threshold(scores, labels, objective=name, sample_weight=weight)
        for name in ("balanced_accuracy", "youden")
    )
    predicted = scores >= balanced.value
    peer = balanced_accuracy_score(labels, predicted, sample_weight=weight)
    assert balanced.score == pytest.approx(peer, **close)
    false, true, _ = roc_curve(
        labels, scores, sample_weight=weight, drop_intermediate=False
    )
    assert youden.score == pytest.approx(np.max(true - false), **close)
    assert youden.value == balanced.value


@SEEDS
@pytest.mark.parametrize("bound", [0.3, 0.6])
def test_bounded_rates(seed, bound):
    scores, labels, weight = draw(seed)
    close = ROUNDING if weight is None else WEIGHTED
    precision, recall, cuts = precision_recall_curve(
        labels, scores, sample_weight=weight
    )
    # The last point of the curve has no threshold.
    precision, recall = precision[:-1], recall[:-1]
    for name, limited, wanted in (
        ("recall_at_precision", precision, recall),
        ("precision_at_recall", recall, precision),
    ):
        found = search_threshold(
            scores, labels, objective=name, bound=bound, sample_weight=weight
        )
        met = limited >= bound
        assert found.attained == met.any()
        assert found.attained
        best = np.flatnonzero(met)[np.argmax(wanted[met])]
        assert found.score == pytest.approx(wanted[best], **close)
        at = np.flatnonzero(cuts == found.value)
        assert wanted[at] == pytest.approx([found.score], **close)


@SEEDS
def test_cost(seed):
    scores, labels, weight = draw(seed)
    found = search_threshold(
        scores,
        labels,
        objective="cost",
        cost_false_positive=0.3,
        cost_false_negative=4.0,
        sample_weight=weight,
    )

    def peer(cut):
        table = confusion_matrix(
            labels, scores >= cut, sample_weight=weight, normalize="all"
        )
        return 0.3 * table[0, 1] + 4.0 * table[1, 0]

    assert found.score == pytest.approx(peer(found.value), rel=1e-13)
    best = min(peer(cut) for cut in np.unique(scores))
    assert found.score == pytest.approx(best, rel=1e-13)


def test_theory_of_calibrated_posteriors():
    # Half the best F1, and the ratio of costs, to the noise of 400 000 examples.
    rng = np.random.default_rng(0)
    posterior = rng.beta(0.5, 4.0, size=400_000)
    labels = rng.random(posterior.size) < posterior
    found = search_threshold(posterior, labels)
    assert found.value == pytest.approx(found.score / 2, abs=0.02)
    costs: dict[str, Any] = {"cost_false_positive": 1.0, "cost_false_negative": 3.0}
    found = search_threshold(posterior, labels, objective="cost", **costs)
    assert found.value == pytest.approx(1 / (1 + 3), abs=0.02)
