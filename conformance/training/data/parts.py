"""A data set in three parts, and how examples are dealt to them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

PARTS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Examples of one part.

    Attributes:
        features: Shaped ``(N, d)``; of a heat map ``(N, P, d)``, the neighbours of
            each of P pixels.
        labels: Binary ``(N,)`` and multilabel ``(N, C)``, 0.0 or 1.0; multiclass
            ``(N,)``, integers; heat map ``(N, P)``, in [0, 1] and 1 at peaks.
        posterior: Probabilities of the labels given the features, where known: shaped
            ``(N,)``, ``(N, C)`` or ``(N, K)``.
    """

    features: Array
    labels: NDArray[Any]
    posterior: Array | None = None


@dataclass(frozen=True)
class Problem:
    """A data set cut into three parts that share no example.

    Attributes:
        task: One of ``conformance.training.recipe.TASKS``.
        train: What is trained on.
        validation: What thresholds and stopping are chosen on.
        test: What is reported.
    """

    task: str
    train: Split
    validation: Split
    test: Split

    @property
    def classes(self) -> int:
        """Width of the logits: 1, the number of labels or that of classes."""
        if self.task == "multiclass":
            return int(self.train.labels.max()) + 1
        return self.train.labels.shape[1] if self.task == "multilabel" else 1

    @property
    def positives(self) -> Any:
        """Positives in the training part, of each label ``(C,)``; of pixels, peaks."""
        return _positives(self.task, self.train)

    @property
    def negatives(self) -> Any:
        """All that is not positive in the training part, as ``positives``."""
        return _negatives(self.task, self.train)

    @property
    def ratio(self) -> Any:
        """Negatives over positives in the training part, of each label ``(C,)``."""
        return self.negatives / self.positives

    @property
    def class_counts(self) -> NDArray[np.int64]:
        """Examples of each class in the training part; binary, negatives first."""
        return np.bincount(self.train.labels.astype(np.int64))

    def counts(self) -> dict[str, Any]:
        """Counts the labels of every part.

        Returns:
            By part, of integers: multiclass, a list of the classes; otherwise
            positives and negatives, of multilabel two lists.
        """
        parts = {name: getattr(self, name) for name in PARTS}
        if self.task == "multiclass":
            return {k: np.bincount(part.labels).tolist() for k, part in parts.items()}
        return {
            name: [
                np.int64(_positives(self.task, part)).tolist(),
                np.int64(_negatives(self.task, part)).tolist(),
            ]
            for name, part in parts.items()
        }


def assemble(
    task: str, features: Array, labels: NDArray[Any], part: NDArray[Any]
) -> Problem:
    """Cuts examples into the parts 0, 1 and 2 that they are dealt to."""
    inside = [part == index for index in range(len(PARTS))]
    return Problem(task, *(Split(features[rows], labels[rows]) for rows in inside))


def dealt(generator: np.random.Generator, groups: ArrayLike) -> NDArray[np.int64]:
    """Deals each group out in turn: train, validation, train, test.

    Args:
        generator: Of the order within a group.
        groups: Numbers that name the group of each example, ``(N,)``.

    Returns:
        Part of each example, 0, 1 or 2.
    """
    groups = np.asarray(groups)
    part = np.empty(groups.size, dtype=np.int64)
    for group in np.unique(groups):
        rows = generator.permutation(np.flatnonzero(groups == group))
        part[rows] = np.resize([0, 1, 0, 2], rows.size)
    return part


def standardised(features: Array, part: NDArray[Any], *, axis: int | None = 0) -> Array:
    """Subtracts the training part's mean and divides by its deviation.

    Args:
        features: Examples along the first axis.
        part: Of each example; 0 is training.
        axis: That the statistics are over; None is all of them.
    """
    train = features[part == 0]
    scale = train.std(axis=axis)
    # A feature that is constant in training carries nothing: it is only centred.
    return (features - train.mean(axis=axis)) / np.where(scale > 0.0, scale, 1.0)


def _positives(task: str, part: Split) -> Any:
    if task == "multilabel":
        return part.labels.sum(axis=0)
    return float((part.labels == 1.0).sum())


def _negatives(task: str, part: Split) -> Any:
    examples = part.labels.shape[0] if task == "multilabel" else part.labels.size
    return examples - _positives(task, part)
