from typing import Any

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

from conformance.metrics import evaluate
from tests.conformance.metrics.made import binary, multiclass, multilabel

# Typed, because the types that scikit-learn declares are those of its defaults.
SCORES: dict[str, Any] = {
    "precision": precision_score,
    "recall": recall_score,
    "f1": f1_score,
}
THRESHOLDS = np.array([0.3, 0.5, 0.62, 0.04])


def close(expected):
    """Allows for sums in another order, relative whatever the size."""
    return pytest.approx(expected, rel=1e-13, abs=0.0)


def column(report, name):
    return [getattr(row, name) for row in report.classes]


def average(report, kind, name):
    (row,) = (row for row in report.averages if row.name == kind)
    return getattr(row, name)


@pytest.mark.parametrize("seed", range(5))
def test_binary_agrees_with_scikit_learn(seed):
    labels, p = binary(seed)
    report = evaluate(labels, p, thresholds=0.37)
    (row,) = report.classes
    for name, score in SCORES.items():
        assert getattr(row, name) == close(score(labels, p >= 0.37))
    assert row.average_precision == close(average_precision_score(labels, p))
    assert row.auroc == close(roc_auc_score(labels, p))
    assert report.averages == ()


def test_areas_agree_with_their_definitions_under_ties():
    labels, p = binary(size=150)
    (row,) = evaluate(labels, p).classes
    above = p[labels == 1][:, None] - p[labels == 0]
    pairs = (above > 0).mean() + (above == 0).mean() / 2
    assert row.auroc == close(pairs)
    area, found = 0.0, 0
    for threshold in sorted(set(p), reverse=True):
        passed = labels[p >= threshold]
        area += (passed.sum() - found) / labels.sum() * passed.mean()
        found = passed.sum()
    assert row.average_precision == close(area)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("thresholds", [0.5, THRESHOLDS], ids=["one", "by class"])
def test_labels_agree_with_scikit_learn(seed, thresholds):
    labels, p = multilabel(seed)
    decided = p >= thresholds
    report = evaluate(labels, p, thresholds=thresholds)
    for name, score in SCORES.items():
        expected = score(labels, decided, average=None, zero_division=np.nan)
        found = np.array(column(report, name), dtype=float)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
        for kind in ("macro", "micro", "weighted"):
            expected = score(labels, decided, average=kind, zero_division=np.nan)
            assert average(report, kind, name) == close(expected)
    areas = {"average_precision": average_precision_score, "auroc": roc_auc_score}
    for name, score in areas.items():
        expected = score(labels, p, average=None)
        np.testing.assert_allclose(column(report, name), expected, rtol=1e-13)
        for kind in ("macro", "micro", "weighted"):
            expected = score(labels, p, average=kind)
            assert average(report, kind, name) == close(expected)
    assert column(report, "threshold") == list(np.broadcast_to(thresholds, 4))


@pytest.mark.parametrize("seed", range(5))
def test_classes_agree_with_scikit_learn(seed):
    labels, p = multiclass(seed)
    decided = p.argmax(axis=1)
    report = evaluate(labels, p)
    for name, score in SCORES.items():
        options = {"labels": range(4), "zero_division": np.nan}
        expected = score(labels, decided, average=None, **options)
        found = np.array(column(report, name), dtype=float)
        np.testing.assert_allclose(found, expected, rtol=1e-13)
        for kind in ("macro", "micro", "weighted"):
            expected = score(labels, decided, average=kind, **options)
            assert average(report, kind, name) == close(expected)
    for kind in ("macro", "micro", "weighted"):
        expected = average_precision_score(labels, p, average=kind)
        assert average(report, kind, "average_precision") == close(expected)
        expected = roc_auc_score(labels, p, average=kind, multi_class="ovr")
        assert average(report, kind, "auroc") == close(expected)
    assert column(report, "threshold") == [None] * 4


def test_rates_tell_how_a_class_is_predicted():
    labels = np.array([[1, 0], [0, 0], [1, 0], [1, 1]])
    p = np.array([[0.5, 0.1], [0.2, 0.3], [0.9, 0.45], [0.49, 0.35]])
    first, second = evaluate(labels, p, thresholds=[0.6, 0.3], bins=1).classes
    assert (first.support, first.positive_rate, first.predicted) == (3, 0.75, 1)
    assert (second.support, second.positive_rate, second.predicted) == (1, 0.25, 3)
    # The pass rate is at 0.5 whatever the threshold, and 0.5 passes.
    assert (first.pass_rate, second.pass_rate) == (0.5, 0.0)
    assert first.mean_probability == pytest.approx(2.09 / 4)
    # One bin: the difference of the two means.
    assert second.ece == pytest.approx(0.3 - 0.25)
    assert first.brier == pytest.approx((0.25 + 0.04 + 0.01 + 0.51**2) / 4)


def test_absent_class_has_no_data_and_is_left_out():
    labels, p = multilabel()
    labels[:, 1] = 0
    report = evaluate(labels, p, thresholds=[0.5, 1.0, 0.5, 0.5])
    absent = report.classes[1]
    assert (absent.recall, absent.average_precision, absent.auroc) == (None,) * 3
    assert (absent.precision, absent.f1) == (None, None)
    assert (absent.support, absent.predicted, absent.threshold) == (0, 0, 1.0)
    kept = [0, 2, 3]
    assert average(report, "macro", "average_precision") == close(
        average_precision_score(labels[:, kept], p[:, kept])
    )
    assert average(report, "macro", "recall") == close(
        recall_score(labels[:, kept], p[:, kept] >= 0.5, average="macro")
    )
    assert average(report, "weighted", "auroc") == close(
        roc_auc_score(labels[:, kept], p[:, kept], average="weighted")
    )


def test_false_alarms_on_an_absent_class_count():
    row = evaluate([[0, 1], [0, 0]], [[0.9, 0.9], [0.2, 0.1]]).classes[0]
    assert (row.precision, row.recall, row.f1) == (0.0, None, 0.0)


@pytest.mark.parametrize(
    ("label", "expected"), [(0, (None, None)), (1, (1.0, None))], ids=["none", "all"]
)
def test_one_class_only(label, expected):
    (row,) = evaluate([label] * 3, [0.2, 0.6, 0.6]).classes
    assert (row.average_precision, row.auroc) == expected


def test_nothing_predicted_is_no_precision_but_a_recall():
    (row,) = evaluate([0, 1], [0.1, 0.2]).classes
    assert (row.precision, row.recall, row.f1) == (None, 0.0, 0.0)


def test_no_class_has_data():
    for row in evaluate(np.zeros((2, 3)), np.zeros((2, 3))).averages:
        assert (row.precision, row.recall, row.f1) == (None, None, None)
        assert (row.average_precision, row.auroc) == (None, None)


@pytest.mark.parametrize(
    ("labels", "p"),
    [([1], [0.7]), ([[1, 0]], [[0.7, 0.1]]), ([2], [[0.1, 0.2, 0.7]])],
    ids=["binary", "multilabel", "multiclass"],
)
def test_single_example(labels, p):
    report = evaluate(labels, p)
    row = report.classes[-1 if len(report.classes) == 3 else 0]
    assert (row.precision, row.recall, row.average_precision) == (1.0, 1.0, 1.0)
    assert row.auroc is None
    assert report.overall.accuracy == 1.0


def test_float32_is_that_of_its_values():
    labels, p = multilabel()
    single = p.astype(np.float32)
    assert evaluate(labels, single) == evaluate(labels, single.astype(np.float64))
