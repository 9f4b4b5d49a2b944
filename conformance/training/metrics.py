"""Metrics of scores on one part of the data, by scikit-learn."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    precision_recall_fscore_support,
)

from conformance.training.data import Problem
from refimpl.thresholds import search_threshold

Array = NDArray[np.float64]

# Typed, because the type that scikit-learn declares is that of its default, "warn".
_ZERO: Any = 0.0

METRICS = (
    "f1_half",
    "recall_half",
    "precision_half",
    "f1_searched",
    "recall_searched",
    "precision_searched",
    "average_precision",
)


def f1_at_half(labels: Array, logits: Array) -> float:
    """Computes F1 where the predicted probability is at least one half.

    Args:
        labels: 0 or 1, shaped ``(N,)``.
        logits: Shaped ``(N,)``.

    Returns:
        F1; NaN where a logit is NaN, which no schedule takes for an improvement.
    """
    if np.isnan(logits).any():
        return float("nan")
    return float(f1_score(labels, logits >= 0.0, zero_division=_ZERO))


def evaluate(
    labels: Array, logits: Array, searched_on: tuple[Array, Array]
) -> dict[str, float]:
    """Computes every metric of one model on one part.

    Args:
        labels: 0 or 1, shaped ``(N,)``.
        logits: Shaped ``(N,)``.
        searched_on: Labels and logits of the part that the threshold is searched on.

    Returns:
        One number for each of ``METRICS``, and the searched ``threshold`` on logits;
        NaN throughout where a logit is not finite.
    """
    if not (np.isfinite(logits).all() and np.isfinite(searched_on[1]).all()):
        return dict.fromkeys((*METRICS, "threshold"), float("nan"))
    threshold = search_threshold(searched_on[1], searched_on[0]).value
    result = {"threshold": threshold}
    for name, cut in (("half", 0.0), ("searched", threshold)):
        precision, recall, f1, _ = precision_recall_fscore_support(
            labels, logits >= cut, average="binary", zero_division=_ZERO
        )
        result[f"f1_{name}"] = float(f1)
        result[f"recall_{name}"] = float(recall)
        result[f"precision_{name}"] = float(precision)
    result["average_precision"] = float(average_precision_score(labels, logits))
    return result


def f1_at_posterior(problem: Problem) -> float | None:
    """Computes F1 of the true posterior on the test part: the best attainable.

    The threshold is searched on the validation part, as it is for the models. None
    where the posterior is not known.
    """
    validation, test = problem.validation, problem.test
    if validation.posterior is None or test.posterior is None:
        return None
    threshold = search_threshold(validation.posterior, validation.labels).value
    predicted = test.posterior >= threshold
    return float(f1_score(test.labels, predicted, zero_division=_ZERO))
