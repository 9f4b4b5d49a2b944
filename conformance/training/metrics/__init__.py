"""Metrics of a stack of models: thresholds from validation, everything else on test."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from conformance.training.data import Problem
from conformance.training.metrics import binary, classes
from conformance.training.predictions import Predictions

Array = NDArray[np.float64]

# In the order of tables. A recall of each class, "recall_0" ..., goes into the third.
METRICS_OF: dict[str, tuple[str, ...]] = {
    "binary": (
        "f1_half",
        "recall_half",
        "precision_half",
        "f1_searched",
        "recall_searched",
        "precision_searched",
        "average_precision",
        "auc",
        "threshold",
        "ece",
        "specificity_half",
    ),
    "multilabel": (
        "macro_f1_half",
        "macro_f1_global",
        "macro_f1_searched",
        "macro_recall_half",
        "macro_auc",
        "macro_ap",
        "fraction_above_half",
        "mean_probability",
    ),
    "multiclass": (
        "accuracy",
        "macro_f1",
        "balanced_accuracy",
        "macro_ap",
        "ece",
        "entropy",
        "noisy_accuracy",
        "train_accuracy",
        "validation_accuracy",
    ),
    "heatmap": ("average_precision", "f1_searched"),
}

# F1 where the model's own probabilities decide.
F1_OF = {
    "binary": "f1_half",
    "multilabel": "macro_f1_half",
    "multiclass": "macro_f1",
}

_MEASURES: dict[str, Callable[[Problem, Predictions], dict[str, float]]] = {
    "binary": binary.binary,
    "multilabel": classes.multilabel,
    "multiclass": classes.multiclass,
    "heatmap": binary.heatmap,
}

_F1: dict[str, Callable[[Any, Array], float]] = {
    "binary": binary.half_f1,
    "multilabel": classes.macro_half,
    "multiclass": classes.macro_argmax,
    "heatmap": binary.half_f1,
}


def names(problem: Problem) -> tuple[str, ...]:
    """Returns the metrics of a problem, in the order of tables."""
    found = METRICS_OF[problem.task]
    if problem.task != "multiclass":
        return found
    at = found.index("balanced_accuracy") + 1
    recalls = (f"recall_{k}" for k in range(problem.classes))
    return (*found[:at], *recalls, *found[at:])


def measure(problem: Problem, predictions: Predictions) -> dict[str, list[float]]:
    """Computes every metric of every model.

    Args:
        problem: What the models were trained on.
        predictions: Of a stack of models.

    Returns:
        For each of ``names(problem)`` one number for each model; NaN throughout for
        a model with a logit that is not finite.
    """
    rows = [_of_one(problem, own) for own in each(predictions)]
    return {name: [row[name] for row in rows] for name in names(problem)}


def validation_metric(problem: Problem, logits: Array) -> Array:
    """Computes what schedules and early stopping see after an epoch.

    Args:
        problem: Whose validation part it is.
        logits: Of that part, shaped ``(stack, N, ...)``.

    Returns:
        F1 (several classes: its mean) where the models' own probabilities decide,
        shaped ``(stack,)``; NaN, which counts as no improvement, where a logit is NaN.
    """
    labels = problem.validation.labels
    found = [
        np.nan if np.isnan(own).any() else f1_at_half(problem.task, labels, own)
        for own in logits
    ]
    return np.array(found)


def f1_at_half(task: str, labels: NDArray[Any], logits: Array) -> float:
    """Computes F1 of one model where its own probabilities decide.

    Args:
        task: One of the tasks.
        labels: Shaped ``(N, ...)``.
        logits: Or any scores that are 0 where a probability is one half; of exclusive
            classes, of which the largest wins.

    Returns:
        F1; the mean over several labels or classes.
    """
    return _F1[task](labels, logits)


def at_posterior(problem: Problem) -> dict[str, float] | None:
    """Measures the true posterior as if it were a model: what can be attained.

    Returns:
        One number for each metric (NaN of what is not predicted), or None where the
        posterior is not known.
    """
    validation, test = (
        _logits(problem, part.posterior) for part in (problem.validation, problem.test)
    )
    if validation is None or test is None:
        return None
    found = _MEASURES[problem.task](problem, Predictions(validation, test))
    return {name: found[name] for name in names(problem)}


def each(predictions: Predictions) -> list[Predictions]:
    """Returns the predictions of every model, without the stack axis."""
    stacks = [own for own in asdict(predictions).items() if own[1] is not None]
    return [
        Predictions(**{part: stack[model] for part, stack in stacks})
        for model in range(len(predictions.test))
    ]


def _of_one(problem: Problem, own: Predictions) -> dict[str, float]:
    parts = (part for part in asdict(own).values() if part is not None)
    if all(np.isfinite(part).all() for part in parts):
        return _MEASURES[problem.task](problem, own)
    return dict.fromkeys(names(problem), float("nan"))


def _logits(problem: Problem, posterior: Array | None) -> Array | None:
    if posterior is None:
        return None
    # What rounds to 0 or 1 has no finite logit.
    info = np.finfo(np.float64)
    eta = np.clip(posterior, info.tiny, 1.0 - info.epsneg)
    return np.log(eta) if problem.task == "multiclass" else logit(eta)
