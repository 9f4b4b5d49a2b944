import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from conformance.metrics.decisions import accuracy, decide
from conformance.metrics.inputs import read_scores
from tests.conformance.metrics.made import binary, multiclass, multilabel


def test_threshold_itself_is_predicted():
    scores = read_scores([0, 1, 1], [0.3, 0.31, 0.29])
    assert decide(scores, 0.3).tolist() == [[1], [1], [0]]


def test_each_label_has_its_threshold():
    scores = read_scores([[0, 1], [1, 0]], [[0.3, 0.3], [0.8, 0.9]])
    assert decide(scores, [0.2, 0.85]).tolist() == [[1, 0], [1, 1]]


def test_first_of_equal_probabilities_wins():
    scores = read_scores([0, 2], [[0.2, 0.4, 0.4], [0.34, 0.33, 0.33]])
    assert decide(scores, 0.5).tolist() == [[0, 1, 0], [1, 0, 0]]


def test_accuracy_agrees_with_scikit_learn():
    labels, p = binary()
    assert accuracy(labels, p, thresholds=0.3) == accuracy_score(labels, p >= 0.3)
    labels, p = multilabel()
    assert accuracy(labels, p) == accuracy_score(labels, p >= 0.5)
    labels, p = multiclass()
    assert accuracy(labels, p) == accuracy_score(labels, np.argmax(p, axis=1))


@pytest.mark.parametrize(
    ("made", "thresholds", "message"),
    [
        (binary, [0.5, 0.5], r"shape \(1,\)"),
        (binary, np.inf, "finite"),
        (multilabel, [0.5, 0.5], r"shape \(4,\)"),
        (multilabel, [0.5, 0.5, np.nan, 0.5], "finite"),
        (multiclass, 0.4, "largest probability decides"),
        (multiclass, [0.1, 0.5, 0.5, 0.5], "left at 0.5"),
    ],
)
def test_bad_thresholds_raise(made, thresholds, message):
    with pytest.raises(ValueError, match=message):
        accuracy(*made(), thresholds=thresholds)
