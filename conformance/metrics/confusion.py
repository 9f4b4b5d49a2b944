"""Confusion matrices."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import confusion_matrix

from conformance.metrics.inputs import Predictions


@dataclass(frozen=True)
class Confusion:
    """Counts of true classes (rows) by predicted classes (columns).

    Attributes:
        title: The label that is confused in multi-label data, otherwise empty.
        names: Of the classes.
        counts: One row for each true class.
        shares: ``counts`` divided by the sum of the row; None in a row without data.
        recalls: The diagonal of ``shares``.
        precisions: The diagonal divided by the sum of the column; None where a class
            is never predicted.
    """

    title: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    shares: tuple[tuple[float | None, ...], ...]
    recalls: tuple[float | None, ...]
    precisions: tuple[float | None, ...]

    @property
    def balanced_accuracy(self) -> float | None:
        """The mean recall of the classes that have examples."""
        recalls = [recall for recall in self.recalls if recall is not None]
        return float(np.mean(recalls)) if recalls else None


def confusion_from_counts(
    counts: ArrayLike, *, names: Sequence[str] | None = None, title: str = ""
) -> Confusion:
    """Works out recalls and precisions of counts.

    Args:
        counts: ``(K, K)``, true classes in rows and predicted ones in columns.
        names: Of the K classes; ``None`` counts from 0.
        title: What is confused.

    Returns:
        The matrix with its shares.

    Raises:
        ValueError: Counts not square, negative, or names of another number.

    Example:
        >>> found = confusion_from_counts([[980, 15, 5], [10, 180, 10], [2, 8, 40]])
        >>> found.recalls, [round(value, 3) for value in found.precisions]
        ((0.98, 0.9, 0.8), [0.988, 0.887, 0.727])
    """
    table = np.asarray(counts)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not table.size:
        raise ValueError(f"counts must be shaped (K, K), got {table.shape}.")
    if (table < 0).any():
        raise ValueError("counts must be >= 0.")
    chosen = tuple(map(str, range(len(table)))) if names is None else tuple(names)
    if len(chosen) != len(table):
        raise ValueError(f"names must be {len(table)} names, got {chosen}.")
    shares = tuple(_shares(row) for row in table)
    by_column = tuple(_shares(column) for column in table.T)
    return Confusion(
        title=title,
        names=chosen,
        counts=tuple(tuple(map(int, row)) for row in table),
        shares=shares,
        recalls=tuple(row[k] for k, row in enumerate(shares)),
        precisions=tuple(column[k] for k, column in enumerate(by_column)),
    )


def confusions(
    scores: Predictions, decisions: NDArray[np.int64]
) -> tuple[Confusion, ...]:
    """Counts decisions: one matrix, or one of 2 by 2 for each label of multi-label."""
    if scores.kind == "multilabel":
        return tuple(
            confusion_from_counts(
                confusion_matrix(truth, decided, labels=[0, 1]),
                names=("no", "yes"),
                title=name,
            )
            for name, truth, decided in zip(
                scores.names, scores.indicators.T, decisions.T, strict=True
            )
        )
    multiclass = scores.kind == "multiclass"
    decided = decisions.argmax(axis=1) if multiclass else decisions[:, 0]
    classes = range(len(scores.names))
    counts = confusion_matrix(scores.labels, decided, labels=list(classes))
    return (confusion_from_counts(counts, names=scores.names),)


def _shares(counts: NDArray) -> tuple[float | None, ...]:
    total = counts.sum()
    return tuple(float(count / total) if total else None for count in counts)
