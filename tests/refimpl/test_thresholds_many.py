"""Several classes: one threshold each, or one for all."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from refimpl.thresholds import (
    search_class_thresholds,
    search_global_threshold,
    search_threshold,
)
from tests.refimpl.test_thresholds import EACH, above

# Typed, because the type that scikit-learn declares is that of its default, "warn".
ZERO: Any = 0.0
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def draw(seed, size=300, dtype="float64"):
    """Article B's five rates, the last class without positives, with ties."""
    rng = np.random.default_rng(seed)
    rates = np.array([0.01, 0.05, 0.1, 0.2, 0.0])
    labels = (rng.random((size, 5)) < rates).astype(np.int8)
    scores = rng.normal(size=(size, 5)) + 2 * labels + np.arange(5) / 4
    return np.round(scores, 1).astype(dtype), labels


@EACH
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_each_class_is_searched_on_its_own(objective, options, dtype):
    scores, labels = draw(1, dtype=dtype)
    weight = np.random.default_rng(2).random(scores.shape)
    options = {"objective": objective, **options}
    found = search_class_thresholds(scores, labels, sample_weight=weight, **options)
    assert [field.shape for field in found] == [(5,)] * 3
    assert (found.value.dtype, found.score.dtype) == (np.float64, np.float64)
    assert found.attained.dtype == np.bool_
    assert np.isfinite(found.value).all()
    for c in range(5):
        alone = search_threshold(
            scores[:, c], labels[:, c], sample_weight=weight[:, c], **options
        )
        assert alone == tuple(field[c] for field in found)


def test_class_without_positives_predicts_nothing():
    scores, labels = draw(1)
    found = search_class_thresholds(scores, labels)
    assert found.attained.tolist() == [True] * 4 + [False]
    assert (scores >= found.value).any(axis=0).tolist() == [True] * 4 + [False]


@EACH
def test_micro_pools_the_classes(objective, options):
    scores, labels = draw(4)
    weight = np.random.default_rng(5).random(scores.shape)
    options = {"objective": objective, **options}
    found = search_global_threshold(scores, labels, sample_weight=weight, **options)
    pooled = search_threshold(
        scores.T.ravel(), labels.T.ravel(), sample_weight=weight.T.ravel(), **options
    )
    assert (found.value, found.attained) == (pooled.value, pooled.attained)
    # The weights are added in another order.
    assert found.score == pytest.approx(pooled.score, rel=1e-13)


def test_micro_is_scikit_learns():
    scores, labels = draw(6)
    found = search_global_threshold(scores, labels)
    assert found.score == f1_score(labels, scores >= found.value, average="micro")


def test_macro_is_scikit_learns_and_its_best():
    scores, labels = draw(7)

    def peer(cut):
        return f1_score(labels, scores >= cut, average="macro", zero_division=ZERO)

    found = search_global_threshold(scores, labels, average="macro")
    best = max(peer(cut) for cut in np.unique(scores))
    assert found.score == pytest.approx(peer(found.value), rel=4e-16)
    assert found.score == pytest.approx(best, rel=4e-16)
    micro = search_global_threshold(scores, labels)
    assert peer(micro.value) < found.score


COLUMN = st.lists(
    st.tuples(st.integers(-3, 3), st.integers(0, 1), st.integers(0, 2)),
    min_size=4,
    max_size=4,
)


@EACH
@SETTINGS
@given(st.lists(COLUMN, min_size=1, max_size=3))
def test_macro_agrees_with_trying_every_cut(objective, options, columns):
    table = np.array(columns).transpose(2, 1, 0)
    scores, labels, weight = table[0].astype(float), table[1], table[2] + 0.5
    found = search_global_threshold(
        scores,
        labels,
        average="macro",
        objective=objective,
        sample_weight=weight,
        **options,
    )
    cut, score, met = best_mean(objective, options, scores, labels, weight)
    needs = {"cost": 0, "youden": 2, "balanced_accuracy": 2}.get(objective, 1)
    present = [(column.any(), needs < 2 or not column.all()) for column in labels.T]
    assert found.value == cut
    assert found.score == pytest.approx(score, rel=1e-14, abs=1e-15)
    assert found.attained == (met and (needs == 0 or (True, True) in present))


def best_mean(objective, options, scores, labels, weight):
    """Tries every score of any class, and one above all, from confusion tables."""
    bound, ranked = options.get("bound", 0.0) or 0.0, []
    for cut in [*np.unique(scores), above(scores.max())]:
        chosen = scores >= cut
        tp, fp, fn, tn = (
            np.sum(weight * (chosen == c) * (labels == y), axis=0)
            for c, y in ((1, 1), (1, 0), (0, 1), (0, 0))
        )
        limit, score = rates(objective, options, tp, fp, fn, tn)
        # Sums of halves are exact; the mean of three quotients rounds.
        short = round(max(bound - np.mean(limit), 0.0), 12)
        sign = -1 if objective == "cost" else 1
        ranked.append((-short, round(sign * np.mean(score), 12), cut, np.mean(score)))
    short, _, cut, score = max(ranked)
    return cut, score, short == 0


def rates(objective, options, tp, fp, fn, tn):
    def ratio(part, whole):
        return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)

    recall, precision = ratio(tp, tp + fn), ratio(tp, tp + fp)
    youden, free = recall - ratio(fp, fp + tn), np.ones(len(tp))
    square = options.get("beta", 1.0) ** 2
    spent = options.get("cost_false_positive", 1.0) * fp
    spent = spent + options.get("cost_false_negative", 1.0) * fn
    f_beta = ratio((1 + square) * tp, (1 + square) * tp + fp + square * fn)
    return {
        "youden": (free, youden),
        "balanced_accuracy": (free, (1 + youden) / 2),
        "cost": (free, spent / (tp + fp + fn + tn)),
        "recall_at_precision": (precision, recall),
        "precision_at_recall": (recall, precision),
    }.get(objective, (free, f_beta))


def test_macro_on_the_grid():
    scores, labels = draw(8)
    probs = 1 / (1 + np.exp(2 - scores))
    grid, exact = (
        search_global_threshold(probs, labels, average="macro", method=method)
        for method in ("grid", "exact")
    )
    peers = [
        f1_score(labels, probs >= i / 100, average="macro", zero_division=ZERO)
        for i in range(1, 100)
    ]
    assert grid.score == pytest.approx(max(peers), rel=4e-16)
    assert exact.score >= grid.score
    assert grid.value == (99 - int(np.argmax(peers[::-1]))) / 100


@pytest.mark.parametrize("search", [search_class_thresholds, search_global_threshold])
@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([1.0], [1], r"must have the same shape \(N, C\), got \(1,\) and \(1,\)"),
        (np.ones((3, 0)), np.ones((3, 0)), r"not be empty, got shape \(3, 0\)"),
        (np.ones((3, 2)), np.ones((3, 1)), r"got \(3, 2\) and \(3, 1\)"),
        ([[1.0, np.nan]], [[1, 0]], r"scores must be finite, got nan at index \(0, 1"),
    ],
)
def test_bad_arguments_raise_by_name(search, scores, labels, message):
    with pytest.raises(ValueError, match=message):
        search(scores, labels)


def test_unknown_average_raises():
    with pytest.raises(ValueError, match="average must be one of 'micro', 'macro'"):
        search_global_threshold([[1.0]], [[1]], average="weighted")
