"""Labels and probabilities, checked once and told apart by their shapes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax

from refimpl._validate import check_choice

# Probabilities of a row that were rounded to half precision sum to 1 within this.
ROW_SUM = 5e-3


@dataclass(frozen=True)
class Predictions:
    """Labels and probabilities of one kind of problem.

    Attributes:
        kind: ``"binary"``, ``"multilabel"`` or ``"multiclass"``.
        names: Of the classes; the negative and the positive one in ``"binary"``.
        labels: 0 or 1 shaped ``(N,)`` or ``(N, C)``, or class indices ``(N,)``.
        probabilities: ``(N,)``, ``(N, C)`` or ``(N, K)``, in float64.
    """

    kind: str
    names: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]

    @cached_property
    def indicators(self) -> NDArray[np.int64]:
        """One column of 0 and 1 for each class: that class against the others."""
        if self.kind == "multiclass":
            return (self.labels[:, None] == np.arange(len(self.names))).astype(np.int64)
        return self.labels.reshape(len(self.labels), -1)

    @property
    def columns(self) -> NDArray[np.float64]:
        """One column of probabilities for each class."""
        return self.probabilities.reshape(len(self.probabilities), -1)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns: the positive class alone in ``"binary"``."""
        return self.names[1:] if self.kind == "binary" else self.names


def read_scores(
    labels: ArrayLike, probabilities: ArrayLike, *, names: Sequence[str] | None = None
) -> Predictions:
    """Checks labels and probabilities and tells what kind of problem they belong to.

    Args:
        labels: 0 or 1 shaped like ``probabilities``, or class indices ``(N,)``.
        probabilities: In [0, 1]: ``(N,)`` of the positive class, ``(N, C)`` of C
            independent labels, or ``(N, K)``, rows summing to 1, of K >= 2 classes.
        names: Of the classes, C or K of them; for ``(N,)`` the negative class and the
            positive one. ``None`` counts from 0.

    Returns:
        The checked arrays.

    Raises:
        ValueError: Shapes that fit no kind, no example, or a value out of range.

    Convention:
        The shapes decide: one-hot labels of exclusive classes must be given as class
        indices, because two axes of labels mean multi-label.

    Example:
        >>> read_scores([0, 1, 1], [0.2, 0.9, 0.4]).kind
        'binary'
        >>> read_scores([0, 1], [[0.8, 0.2], [0.3, 0.7]]).kind
        'multiclass'
    """
    given, values = np.asarray(labels), np.asarray(probabilities, dtype=np.float64)
    kind = _kind(given.shape, values.shape)
    count = 2 if kind == "binary" else values.shape[1]
    classes = count if kind == "multiclass" else 2
    if not np.isin(given, range(classes)).all():
        expected = f"class indices in [0, {classes})" if classes > 2 else "0 or 1"
        worst = given[~np.isin(given, range(classes))].flat[0]
        raise ValueError(f"labels must be {expected}, got {worst}.")
    if not ((values >= 0.0) & (values <= 1.0)).all():
        worst = values[~((values >= 0.0) & (values <= 1.0))].flat[0]
        raise ValueError(f"probabilities must be in [0, 1], got {worst}.")
    if kind == "multiclass":
        values = _rows(values)
    chosen = tuple(map(str, range(count))) if names is None else tuple(names)
    if len(chosen) != count or len(set(chosen)) != count:
        raise ValueError(f"names must be {count} different names, got {chosen}.")
    return Predictions(kind, chosen, given.astype(np.int64), values)


def probabilities_from_logits(
    logits: ArrayLike, *, activation: str = "sigmoid"
) -> NDArray[np.float64]:
    """Turns logits into probabilities, in float64.

    Args:
        logits: Any shape; classes along the last axis for ``"softmax"``.
        activation: ``"sigmoid"`` (binary, multi-label) or ``"softmax"`` (multi-class).

    Returns:
        Array shaped like ``logits``.

    Raises:
        ValueError: Unknown ``activation``.

    Example:
        >>> probabilities_from_logits([0.0, -800.0]).tolist()
        [0.5, 0.0]
    """
    check_choice("activation", activation, ("sigmoid", "softmax"))
    values = np.asarray(logits, dtype=np.float64)
    return expit(values) if activation == "sigmoid" else softmax(values, axis=-1)


def _kind(labels: tuple[int, ...], probabilities: tuple[int, ...]) -> str:
    if 0 not in probabilities:
        if labels == probabilities and len(labels) in (1, 2):
            return "binary" if len(labels) == 1 else "multilabel"
        rows = len(probabilities) == 2 and labels == probabilities[:1]
        if rows and probabilities[1] >= 2:
            return "multiclass"
    raise ValueError(
        "labels and probabilities must be shaped (N,) and (N,), (N, C) and (N, C), or "
        f"(N,) and (N, K) with K >= 2 and N >= 1, got {labels} and {probabilities}."
    )


def _rows(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = probabilities.sum(axis=1, keepdims=True)
    worst = sums.flat[np.argmax(np.abs(sums - 1.0))]
    if abs(worst - 1.0) > ROW_SUM:
        raise ValueError(
            f"each row of probabilities must sum to 1 within {ROW_SUM}, got a sum of "
            f"{worst}; independent labels need labels shaped like probabilities."
        )
    # A row of single or half precision misses 1 by its rounding.
    return probabilities / sums
