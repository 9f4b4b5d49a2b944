"""Decision thresholds found on validation scores."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


class Threshold(NamedTuple):
    """A threshold and what it achieves.

    Attributes:
        value: Predict positive where ``score >= value``; always finite.
        score: The metric on the data that the threshold was searched on.
    """

    value: float
    score: float


def best_f1_threshold(scores: ArrayLike, labels: ArrayLike) -> Threshold:
    r"""Finds the threshold on scores that maximises F1, exactly.

    .. math::
        F_1(t) = \frac{2\,TP(t)}{\#\{s_i \ge t\} + \#\{y_i = 1\}}

    Args:
        scores: Logits or probabilities, shape ``(N,)``, N >= 1, finite.
        labels: 0 or 1, shape ``(N,)``.

    Returns:
        The threshold and its F1.

    Raises:
        ValueError: Shapes unequal or empty, scores not finite, labels not 0 or 1.

    Convention:
        Prediction is ``score >= threshold``, and the threshold is one of the scores,
        so examples with equal scores go together and F1 on the same scores is the
        returned one to the last bit. Among thresholds of equal F1 the highest wins: it
        predicts the fewest positives. Without positives F1 is 0 whatever the
        threshold, so the highest score is returned. One sort: O(N log N).

    Example:
        >>> best_f1_threshold([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])
        Threshold(value=0.35, score=0.8)

    References:
        Lipton, Elkan and Narayanaswamy, 2014. https://arxiv.org/abs/1402.1892
    """
    values, truth = _checked(scores, labels)
    order = np.argsort(-values, kind="stable")
    values, truth = values[order], truth[order]
    # A cut is possible only below the last of a run of equal scores.
    cuts = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    true_positives = np.cumsum(truth)[cuts]
    f1 = 2.0 * true_positives / (cuts + 1 + truth.sum())
    best = int(np.argmax(f1))
    return Threshold(float(values[cuts[best]]), float(f1[best]))


def _checked(scores: ArrayLike, labels: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    values = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(labels)
    if values.ndim != 1 or values.shape != truth.shape or not values.size:
        raise ValueError(
            "scores and labels must have the same shape (N,) with N >= 1, "
            f"got {values.shape} and {truth.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError("scores must be finite.")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("labels must be 0 or 1.")
    return values, truth.astype(np.int64)
