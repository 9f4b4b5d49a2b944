"""Metrics of one logit for each example, or for each pixel of a heat map."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.metrics import probabilities_from_logits
from conformance.metrics.calibration import curve
from conformance.metrics.classes import auroc, average_precision
from conformance.training.metrics.rates import rates
from conformance.training.predictions import Predictions
from refimpl.thresholds import search_threshold

Array = NDArray[np.float64]

BINS = 10


def half_f1(labels: Array, logits: Array) -> float:
    """Computes F1 where the predicted probability is at least one half."""
    return float(rates(labels.ravel() == 1.0, logits.ravel() >= 0.0).f1)


def binary(problem: Any, own: Predictions) -> dict[str, float]:
    """Measures one model on the test part, thresholds from the validation part."""
    true, logits = problem.test.labels == 1.0, own.test
    threshold = search_threshold(own.validation, problem.validation.labels).value
    half, searched = (rates(true, logits >= cut) for cut in (0.0, threshold))
    p = probabilities_from_logits(logits)
    return {
        "f1_half": float(half.f1),
        "recall_half": float(half.recall),
        "precision_half": float(half.precision),
        "f1_searched": float(searched.f1),
        "recall_searched": float(searched.recall),
        "precision_searched": float(searched.precision),
        "average_precision": known(average_precision(true, logits)),
        "auc": known(auroc(true, logits)),
        "threshold": threshold,
        "ece": curve(true, p, bins=BINS, strategy="uniform").ece,
        "specificity_half": float(half.specificity),
    }


def heatmap(problem: Any, own: Predictions) -> dict[str, float]:
    """Measures one model on all pixels: peaks against the rest."""
    true, peaks = (part.labels == 1.0 for part in (problem.test, problem.validation))
    cut = search_threshold(own.validation.ravel(), peaks.ravel()).value
    return {
        "average_precision": known(average_precision(true.ravel(), own.test.ravel())),
        "f1_searched": float(rates(true.ravel(), own.test.ravel() >= cut).f1),
    }


def known(value: float | None) -> float:
    """Returns NaN where there is no data."""
    return float("nan") if value is None else value
