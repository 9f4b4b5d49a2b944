"""Losses that a file tells explain its shifts, by their links."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from refimpl.links import (
    binary_cross_entropy_link,
    cross_entropy_link,
    sigmoid_focal_link,
    softmax_focal_link,
)
from tests.conformance.doctor.made import binary, found, multiclass, multilabel, names

LOSSES = {
    "pos_weight": (binary_cross_entropy_link, {"pos_weight": 9.0}),
    "smoothing": (
        binary_cross_entropy_link,
        {"pos_weight": 9.0, "label_smoothing": 0.1},
    ),
    "focal": (sigmoid_focal_link, {"alpha": 0.25, "gamma": 2.0}),
    "weighted focal": (
        sigmoid_focal_link,
        {"alpha": 0.6, "gamma": 1.0, "pos_weight": 9.0},
    ),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_that_is_told_accounts_for_its_probabilities(loss):
    link, told = LOSSES[loss]
    arrays = binary(n=20_000, skill=3.5)
    arrays["logits"] = link(expit(arrays["logits"]), **told)
    assert names(arrays, **told) == ["weighted-probabilities"]
    assert names(arrays, **told, thresholds=0.5) == []
    # Without a word the mean is off, for a reason that is not known or another one.
    silent = names(arrays, thresholds=0.5)
    assert silent in (["undeclared-weights"], ["mean-probability-off"])


def test_a_wrong_word_does_not_account_for_them():
    arrays = binary(n=20_000, skill=3.5)
    arrays["logits"] = arrays["logits"] + 1.0
    assert names(arrays, pos_weight=9.0, thresholds=0.5) == ["mean-probability-off"]
    assert names(arrays, gamma=2.0, thresholds=0.5) == ["mean-probability-off"]


SAMPLERS = [
    ({"sampling": "balanced"}, 19.0),
    ({"sampler_weights": [1, 19]}, 19.0),
    ({"sampler_weights": [2, 8]}, 4.0),
]


@pytest.mark.parametrize(("told", "factor"), SAMPLERS)
def test_a_sampler_that_is_told(told, factor):
    arrays = binary(rate=0.05, n=20_000, skill=3.5)
    arrays["logits"] = arrays["logits"] + np.log(factor)
    told = {**told, "class_counts": [95, 5]}
    (finding,) = found(arrays, **told)
    assert finding.name == "weighted-probabilities"
    shift = finding.numbers["shift positive"]
    assert shift == pytest.approx(np.log(factor), abs=0.3)


def test_labels_one_by_one():
    arrays = multilabel(n=20_000, skill=3.5)
    arrays["logits"][:, 1] += np.log(9.0)
    (finding,) = found(arrays)
    assert finding.name == "undeclared-weights"
    assert list(finding.numbers) == [
        "shift 1",
        "error 1",
        "factor 1",
        "left 1",
    ]
    assert "Class 1: the mean probability is" in finding.evidence
    told = {"pos_weight": [1.0, 9.0, 1.0]}
    assert names(arrays, **told) == ["weighted-probabilities"]


CLASS_LOSSES = {
    "weights": (cross_entropy_link, {"class_weights": np.array([0.5, 1.5, 3.0])}),
    "smoothing": (
        cross_entropy_link,
        {"class_weights": np.array([0.5, 1.5, 3.0]), "label_smoothing": 0.1},
    ),
    "focal": (
        softmax_focal_link,
        {"class_weights": np.array([0.5, 1.5, 3.0]), "gamma": 2.0},
    ),
}


@pytest.mark.parametrize("kind", ["logits", "probabilities"])
@pytest.mark.parametrize("loss", CLASS_LOSSES)
def test_a_loss_of_classes(loss, kind):
    link, told = CLASS_LOSSES[loss]
    arrays = multiclass(n=20_000, skill=1.5)
    trained = link(softmax(arrays.pop("logits"), axis=1), **told)
    arrays[kind] = trained if kind == "logits" else softmax(trained, axis=1)
    assert names(arrays, **told) == ["weighted-probabilities"]
    assert names(arrays) != []


def test_a_sampler_of_classes():
    arrays = multiclass(n=20_000, skill=1.5)
    logs = log_softmax(arrays["logits"], axis=1) - np.log([0.7, 0.2, 0.1])
    arrays["logits"] = logs
    assert names(arrays, sampling="balanced") == ["weighted-probabilities"]
    assert names(arrays) == ["undeclared-weights"]


def test_one_class_of_several_does_not_explain_the_others():
    """Class 1 by itself looks as after an inverted weight; class 2 does not."""
    arrays = multiclass(1, n=20_000, skill=1.5)
    arrays["logits"] = arrays["logits"] + [0.15, -0.16, 0.77]
    (finding,) = found(arrays)
    assert finding.name == "mean-probability-off"
    assert list(finding.numbers) == ["shift 1", "shift 2"]


def test_no_weight_explains_a_model_that_is_too_sure():
    """Its mean alone is that of an inverted weight."""
    arrays = binary(n=20_000, skill=3.5)
    arrays["logits"] = 3 * arrays["logits"] - 1.25
    assert names(arrays, thresholds=0.5) == ["mean-probability-off"]


def test_an_absent_class_is_no_double_correction():
    arrays = multiclass(n=20_000, skill=1.0, priors=(0.4, 0.35, 0.25))
    kept = arrays["labels"] < 2
    arrays = {name: array[kept] for name, array in arrays.items()}
    assert sorted(names(arrays)) == ["class-without-positives", "mean-probability-off"]
