"""Resampling of the training part."""

from dataclasses import replace

import numpy as np

from conformance.errors import UsageError
from conformance.training.data.parts import Problem, Split
from refimpl import resampling


def resampled(problem: Problem, how: str, seed: int) -> Problem:
    """Brings every class of the training part to the size of the largest.

    Args:
        problem: Binary or multiclass.
        how: ``"none"``, ``"oversample"`` or ``"smote"``.
        seed: Of imbalanced-learn's draws.

    Returns:
        The problem with the other training part, whose posterior is not known.

    Raises:
        UsageError: imbalanced-learn is not installed.
    """
    if how == "none":
        return problem
    train = problem.train
    labels = train.labels.astype(np.int64)
    sample = {"oversample": resampling.oversample, "smote": resampling.smote}[how]
    try:
        drawn = sample(train.features, labels, np.arange(labels.size), seed=seed)
    except ImportError as error:
        raise UsageError(
            f"resampling by {how} needs imbalanced-learn: "
            "pip install equipoise[sampling]"
        ) from error
    features, classes = drawn[:2]
    train = Split(features, classes.astype(train.labels.dtype))
    return replace(problem, train=train)
