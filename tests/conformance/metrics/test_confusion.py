import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

from conformance.metrics import evaluate
from conformance.metrics.confusion import confusion_from_counts
from tests.conformance.metrics.made import binary, multiclass, multilabel


def test_figures_of_the_source():
    found = confusion_from_counts([[980, 15, 5], [10, 180, 10], [2, 8, 40]])
    assert found.recalls == (0.98, 0.9, 0.8)
    assert found.precisions == pytest.approx((980 / 992, 180 / 203, 40 / 55), rel=1e-15)
    assert [f"{value:.3f}" for value in found.precisions] == ["0.988", "0.887", "0.727"]
    assert found.balanced_accuracy == pytest.approx(2.68 / 3, rel=1e-15)


def test_no_data_is_none():
    found = confusion_from_counts([[3, 0, 1], [0, 0, 0], [2, 0, 2]])
    assert found.shares == ((0.75, 0.0, 0.25), (None, None, None), (0.5, 0.0, 0.5))
    assert found.recalls == (0.75, None, 0.5)
    assert found.precisions == (0.6, None, 2 / 3)
    assert found.balanced_accuracy == 0.625
    assert confusion_from_counts([[0, 0], [0, 0]]).balanced_accuracy is None


@pytest.mark.parametrize(
    ("counts", "names", "message"),
    [
        ([[1, 2]], None, r"shaped \(K, K\)"),
        ([1, 2], None, r"shaped \(K, K\)"),
        ([], None, r"shaped \(K, K\)"),
        ([[1, -2], [0, 1]], None, ">= 0"),
        ([[1, 2], [0, 1]], ["a"], "2 names"),
    ],
)
def test_bad_counts_raise(counts, names, message):
    with pytest.raises(ValueError, match=message):
        confusion_from_counts(counts, names=names)


def test_counts_agree_with_scikit_learn():
    labels, p = multiclass()
    (found,) = evaluate(labels, p, names=["a", "b", "c", "d"]).confusions
    expected = confusion_matrix(labels, p.argmax(axis=1))
    assert np.array(found.counts).tolist() == expected.tolist()
    assert found.names == ("a", "b", "c", "d")
    score = balanced_accuracy_score(labels, p.argmax(axis=1))
    assert found.balanced_accuracy == pytest.approx(score, rel=1e-15)


def test_two_classes_are_rows_of_what_is_true():
    labels, p = binary()
    (found,) = evaluate(labels, p, thresholds=0.4, names=["real", "fake"]).confusions
    sides = [(labels == i, (p >= 0.4) == j) for i in (0, 1) for j in (0, 1)]
    expected = [int((true & decided).sum()) for true, decided in sides]
    assert np.ravel(found.counts).tolist() == expected
    assert found.names == ("real", "fake")


def test_each_label_has_a_matrix():
    labels, p = multilabel()
    found = evaluate(labels, p, names=list("wxyz")).confusions
    assert [matrix.title for matrix in found] == list("wxyz")
    for c, matrix in enumerate(found):
        expected = confusion_matrix(labels[:, c], p[:, c] >= 0.5)
        assert np.array(matrix.counts).tolist() == expected.tolist()


def test_absent_class_keeps_its_row():
    (found,) = evaluate(
        [0, 0, 2], [[0.5, 0.2, 0.3], [0.1, 0.2, 0.7], [0, 0, 1]]
    ).confusions
    assert found.counts == ((1, 0, 1), (0, 0, 0), (0, 0, 1))
    (one,) = evaluate([1], [0.9]).confusions
    assert one.counts == ((0, 0), (0, 1))
