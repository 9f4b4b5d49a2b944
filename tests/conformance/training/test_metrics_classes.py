import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import entropy
from sklearn.metrics import (
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    roc_auc_score,
)

from conformance.training import metrics
from conformance.training.data import Problem, Split
from conformance.training.predictions import Predictions

GENERATOR = np.random.default_rng(11)
CLASSES = GENERATOR.choice(3, size=200, p=[0.8, 0.15, 0.05])
SCORES = GENERATOR.normal(size=(200, 3)) + 2.0 * np.eye(3)[CLASSES]
FLAGS = (GENERATOR.random((200, 2)) < [0.1, 0.3]).astype(np.float64)
LOGITS = GENERATOR.normal(size=(200, 2)) + 2.0 * FLAGS - 2.0


def problem(task, labels):
    return Problem(task, *[Split(np.zeros((len(labels), 1)), labels)] * 3)


def measure(task, labels, validation, test, noisy=None, train=None):
    noisy = test if noisy is None else noisy
    train = test if train is None else train
    stacked = (own[None] for own in (validation, test, noisy, train))
    found = metrics.measure(problem(task, labels), Predictions(*stacked))
    return {name: value for name, (value,) in found.items()}


def test_classes_are_measured_as_by_scikit_learn():
    turned, rolled = -SCORES, np.roll(SCORES, 1, axis=1)
    found = measure("multiclass", CLASSES, turned, SCORES, SCORES[::-1], rolled)
    assert tuple(found) == metrics.names(problem("multiclass", CLASSES))
    won, p = SCORES.argmax(axis=1), softmax(SCORES, axis=1)
    assert found["accuracy"] == (won == CLASSES).mean()
    assert found["macro_f1"] == pytest.approx(f1_score(CLASSES, won, average="macro"))
    expected = balanced_accuracy_score(CLASSES, won)
    assert found["balanced_accuracy"] == pytest.approx(expected)
    recalls = [(won == k)[k == CLASSES].mean() for k in range(3)]
    assert [found[f"recall_{k}"] for k in range(3)] == pytest.approx(recalls)
    areas = [average_precision_score(k == CLASSES, p[:, k]) for k in range(3)]
    assert found["macro_ap"] == pytest.approx(np.mean(areas))
    assert found["entropy"] == pytest.approx(entropy(p, axis=1).mean())
    assert found["noisy_accuracy"] == (won[::-1] == CLASSES).mean()
    assert found["train_accuracy"] == (rolled.argmax(axis=1) == CLASSES).mean()
    assert found["validation_accuracy"] == (turned.argmax(axis=1) == CLASSES).mean()


def test_confidence_is_compared_with_the_rate_of_right_answers():
    scores = np.log(np.where(np.eye(3)[CLASSES] > 0, 0.8, 0.1))
    found = measure("multiclass", CLASSES, scores, scores)
    assert found["ece"] == pytest.approx(0.2)


def test_recalls_follow_the_balanced_accuracy():
    order = metrics.names(problem("multiclass", CLASSES))
    assert order[2:7] == (
        "balanced_accuracy",
        "recall_0",
        "recall_1",
        "recall_2",
        "macro_ap",
    )
    assert set(order) - set(metrics.METRICS_OF["multiclass"]) == set(order[3:6])


def test_labels_are_measured_as_by_scikit_learn():
    found = measure("multilabel", FLAGS, LOGITS, LOGITS)
    assert tuple(found) == metrics.METRICS_OF["multilabel"]
    half = f1_score(FLAGS, LOGITS >= 0, average="macro")
    assert found["macro_f1_half"] == pytest.approx(half)
    assert found["macro_auc"] == pytest.approx(roc_auc_score(FLAGS, LOGITS))
    assert found["macro_ap"] == pytest.approx(average_precision_score(FLAGS, LOGITS))
    assert found["fraction_above_half"] == (LOGITS >= 0).mean()
    assert found["mean_probability"] == pytest.approx(expit(LOGITS).mean())
    recalls = [(LOGITS[:, c] >= 0)[FLAGS[:, c] == 1].mean() for c in range(2)]
    assert found["macro_recall_half"] == pytest.approx(np.mean(recalls))


def test_one_threshold_for_all_is_worse_than_one_for_each():
    # Labels that are told apart perfectly, but nowhere near each other.
    logits = 2.0 * FLAGS + np.array([-9.0, 7.0])
    found = measure("multilabel", FLAGS, logits, logits)
    assert found["macro_f1_searched"] == 1.0
    assert found["macro_f1_half"] < found["macro_f1_global"] < 1.0


def test_thresholds_of_labels_come_from_the_validation_part():
    found = measure("multilabel", FLAGS, LOGITS + 50.0, LOGITS)
    assert found["macro_f1_searched"] == found["macro_f1_global"] == 0.0


def test_a_label_without_positives_counts_with_an_f1_of_0_and_no_curve():
    flags = FLAGS * [1.0, 0.0]
    found = measure("multilabel", flags, LOGITS, LOGITS)
    alone = f1_score(flags[:, 0], LOGITS[:, 0] >= 0)
    assert found["macro_f1_half"] == pytest.approx(alone / 2)
    assert found["macro_auc"] == pytest.approx(roc_auc_score(FLAGS[:, 0], LOGITS[:, 0]))


@pytest.mark.parametrize("place", range(4))
def test_nan_gives_nan(place):
    parts = [np.stack([SCORES, SCORES]) for _ in range(4)]
    parts[place][1, 7, 0] = np.nan
    found = metrics.measure(problem("multiclass", CLASSES), Predictions(*parts))
    first, second = np.array(list(found.values())).T
    assert np.isfinite(first).all()
    assert np.isnan(second).all()


def test_the_common_threshold_is_best_for_the_mean_over_labels():
    flags = np.zeros((50, 2))
    flags[:40, 0], flags[:1, 1] = 1.0, 1.0
    logits = np.where(flags > 0, [[1.0, 3.0]], [[1.0, 2.0]])
    # At 3 only the rare label is right, at 1 the frequent one, which has the elements.
    found = measure("multilabel", flags, logits, logits)
    assert found["macro_f1_global"] == 0.5
    assert f1_score(flags, logits >= 1.0, average="macro") < 0.5


def test_a_class_that_is_absent_has_no_recall_to_average():
    labels = np.where(CLASSES == 2, 0, CLASSES)
    found = measure("multiclass", labels, SCORES, SCORES)
    recalls = [found[f"recall_{k}"] for k in range(2)]
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert np.isfinite(found["macro_ap"])


def test_the_posterior_of_classes_is_measured_as_a_model():
    part = Split(np.zeros((200, 1)), CLASSES, softmax(SCORES, axis=1))
    found = metrics.at_posterior(Problem("multiclass", part, part, part))
    assert found is not None
    expected = measure("multiclass", CLASSES, SCORES, SCORES)
    expected |= {"noisy_accuracy": np.nan, "train_accuracy": np.nan}
    assert found == pytest.approx(expected, nan_ok=True)
