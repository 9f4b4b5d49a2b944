"""From probabilities to decisions."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import accuracy_score

from conformance.metrics.inputs import Predictions, read_scores


def accuracy(
    labels: ArrayLike, probabilities: ArrayLike, *, thresholds: ArrayLike = 0.5
) -> float:
    """Computes the share of right decisions.

    Args:
        labels: As in :func:`read_scores`.
        probabilities: As in :func:`read_scores`.
        thresholds: As in :func:`evaluate`.

    Returns:
        A share; of examples with every label right in multi-label data.

    Example:
        >>> accuracy([0, 1, 1], [0.2, 0.9, 0.4])
        0.6666666666666666
    """
    scores = read_scores(labels, probabilities)
    return decided_accuracy(scores, decide(scores, thresholds))


def decided_accuracy(scores: Predictions, decisions: NDArray[np.int64]) -> float:
    """Computes the share of examples whose every column is right."""
    return float(accuracy_score(scores.indicators, decisions))


def decide(scores: Predictions, thresholds: ArrayLike) -> NDArray[np.int64]:
    """Decides every example.

    Args:
        scores: Probabilities of C or K classes.
        thresholds: Checked by :func:`class_thresholds`.

    Returns:
        0 or 1, shaped ``(N, C)``: 1 where ``probability >= threshold``. In multi-class
        data, 1 for the largest probability alone, the first where several are equal.
    """
    if scores.kind == "multiclass":
        class_thresholds(scores, thresholds)
        winners = scores.probabilities.argmax(axis=1)
        return (winners[:, None] == np.arange(len(scores.names))).astype(np.int64)
    return (scores.columns >= class_thresholds(scores, thresholds)).astype(np.int64)


def class_thresholds(scores: Predictions, thresholds: ArrayLike) -> NDArray[np.float64]:
    """Checks thresholds and returns one for each column.

    Raises:
        ValueError: Not finite, neither one number nor one for each class, or anything
            but the default for multi-class data, where the largest probability wins.
    """
    values = np.asarray(thresholds, dtype=np.float64)
    classes = scores.columns.shape[1]
    if values.shape not in ((), (classes,)):
        raise ValueError(
            f"thresholds must be a number or have shape {(classes,)}, one for each "
            f"class, got shape {values.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"thresholds must be finite, got {values}.")
    if scores.kind == "multiclass" and (values != 0.5).any():
        raise ValueError(
            "thresholds must be left at 0.5 for multi-class data, where the largest "
            f"probability decides, got {values}."
        )
    return np.broadcast_to(values, (classes,))
