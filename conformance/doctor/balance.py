"""Weights that balance the classes of a file, and those that were used."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from conformance.doctor.statistics import SIGMAS
from conformance.scores import Array, Scores
from refimpl.weights import pos_weight

# Weights within this factor of each other are the same choice.
FACTOR = 1.5


class Balance(NamedTuple):
    """Two sides whose odds a weight changes: negatives and positives of a class.

    Attributes:
        counts: Training examples of both, shaped (C, 2).
        expected: Weight of positives that makes them equal, shaped (C,).
        margin: Difference of logarithms that is none, likewise.
    """

    counts: NDArray[np.int64]
    expected: Array
    margin: Array


def balance(scores: Scores) -> Balance:
    """Works out what balances each class against the others.

    Args:
        scores: With their counts.

    Returns:
        The balance. Where counts are of this file and not of the training part, their
        statistical error widens the margin.
    """
    counts = sides(scores)
    expected = np.asarray(pos_weight(counts[:, 1], counts[:, 0]), np.float64)
    error = np.zeros(len(counts))
    if "class_counts" not in scores.told:
        error = np.sqrt((1 / np.maximum(counts, 1)).sum(axis=1))
    return Balance(counts, expected, np.log(FACTOR) + SIGMAS * error)


def sides(scores: Scores) -> NDArray[np.int64]:
    """Counts negatives and positives of each class, shaped (C, 2)."""
    if scores.task != "multiclass":
        return scores.counts
    return np.stack([scores.counts.sum() - scores.counts, scores.counts], axis=1)


def class_counts(scores: Scores) -> NDArray[np.int64] | None:
    """Counts of classes that exclude each other; nothing for several labels."""
    if scores.task == "multilabel":
        return None
    return scores.counts if scores.task == "multiclass" else scores.counts[0]


def used_pos_weight(scores: Scores) -> Array | None:
    """Weight of the positives of each label that the file tells, shaped (C,)."""
    told = scores.told
    if scores.task == "multiclass":
        return None
    if "pos_weight" in told:
        return np.broadcast_to(told["pos_weight"], (scores.classes,))
    if scores.task == "binary" and "class_weights" in told:
        negative, positive = told["class_weights"]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.array([positive / negative])
    return None


def used_weights(scores: Scores) -> Array | None:
    """Weight of each side that the loss has, shaped (C, 2) or (1, K)."""
    if scores.task == "multiclass":
        weights = scores.told.get("class_weights")
        return None if weights is None else weights[None]
    used = used_pos_weight(scores)
    return None if used is None else np.stack([np.ones_like(used), used], axis=1)


def sampled(scores: Scores) -> Array | None:
    """Share of each side that a sampler draws, shaped (C, 2) or (1, K).

    Nothing where the file tells of no sampler, or none that can be understood.
    """
    counts = scores.counts.reshape(-1, scores.counts.shape[-1])
    if scores.told.get("sampling") == "balanced":
        return np.full(counts.shape, 1 / counts.shape[1])
    weights = scores.told.get("sampler_weights")
    if weights is None or len(counts) > 1:
        return None
    weights = weights.ravel()
    if weights.size == counts.shape[1]:
        mass = counts * weights
    elif weights.size == len(labels := _training_labels(scores)):
        mass = np.bincount(labels, weights, minlength=counts.shape[1])[None]
    else:
        return None
    return mass / mass.sum()


def _training_labels(scores: Scores) -> NDArray[np.int64]:
    labels = scores.told.get("train_labels", scores.labels).ravel()
    known = np.isin(labels, np.arange(max(scores.classes, 2)))
    return labels.astype(np.int64) if known.all() else np.empty(0, np.int64)
