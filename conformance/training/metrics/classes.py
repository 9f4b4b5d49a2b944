"""Metrics of several labels, and of one class out of several."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.metrics import predictive_entropy, probabilities_from_logits
from conformance.metrics.calibration import curve
from conformance.metrics.classes import auroc, average_precision
from conformance.training.metrics.binary import BINS, known
from conformance.training.metrics.rates import rates
from conformance.training.predictions import Predictions
from refimpl.thresholds import search_class_thresholds, search_global_threshold

Array = NDArray[np.float64]


def macro_half(labels: Array, logits: Array) -> float:
    """Computes the mean over labels of F1 where the probability is at least half."""
    return float(rates(labels == 1.0, logits >= 0.0).f1.mean())


def macro_argmax(labels: NDArray[np.int64], scores: Array) -> float:
    """Computes the mean over classes of F1 where the likeliest class is predicted."""
    return float(rates(one_hot(labels, scores), winners(scores)).f1.mean())


def multilabel(problem: Any, own: Predictions) -> dict[str, float]:
    """Measures one model on the test part, thresholds from the validation part."""
    true, logits = problem.test.labels == 1.0, own.test
    seen = own.validation, problem.validation.labels
    common = search_global_threshold(*seen, average="macro").value
    each = search_class_thresholds(*seen).value
    half = rates(true, logits >= 0.0)
    p = probabilities_from_logits(logits)
    columns = list(zip(true.T, logits.T, strict=True))
    return {
        "macro_f1_half": float(half.f1.mean()),
        "macro_f1_global": float(rates(true, logits >= common).f1.mean()),
        "macro_f1_searched": float(rates(true, logits >= each).f1.mean()),
        "macro_recall_half": float(half.recall.mean()),
        "macro_auc": _mean(auroc(*column) for column in columns),
        "macro_ap": _mean(average_precision(*column) for column in columns),
        "fraction_above_half": float((p >= 0.5).mean()),
        "mean_probability": float(p.mean()),
    }


def multiclass(problem: Any, own: Predictions) -> dict[str, float]:
    """Measures one model on the test part."""
    labels = problem.test.labels
    true, won = one_hot(labels, own.test), winners(own.test)
    found, right = rates(true, won), own.test.argmax(axis=1) == labels
    p = probabilities_from_logits(own.test, activation="softmax")
    return {
        "accuracy": float(right.mean()),
        "macro_f1": float(found.f1.mean()),
        "balanced_accuracy": float(found.recall[true.any(axis=0)].mean()),
        **{f"recall_{k}": float(recall) for k, recall in enumerate(found.recall)},
        "macro_ap": _mean(map(average_precision, true.T, p.T)),
        "ece": curve(right, p.max(axis=1), bins=BINS, strategy="uniform").ece,
        "entropy": float(predictive_entropy(p, exclusive=True).mean()),
        "noisy_accuracy": _accuracy(labels, own.noisy),
        "train_accuracy": _accuracy(problem.train.labels, own.train),
        "validation_accuracy": _accuracy(problem.validation.labels, own.validation),
    }


def one_hot(labels: NDArray[np.int64], scores: Array) -> NDArray[np.bool_]:
    """Flags the class of each example; shaped like ``scores``."""
    return labels[:, None] == np.arange(scores.shape[1])


def winners(scores: Array) -> NDArray[np.bool_]:
    """Flags the likeliest class, the first among equals; shaped like ``scores``."""
    return one_hot(scores.argmax(axis=1), scores)


def _accuracy(labels: NDArray[np.int64], logits: Array | None) -> float:
    if logits is None:
        return float("nan")
    return float((logits.argmax(axis=1) == labels).mean())


def _mean(values: Any) -> float:
    """Averages what is known: a class that is absent has no curve."""
    return float(np.nanmean([known(value) for value in values]))
