"""Counts of classes and of positives, batch by batch: pure accumulators."""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from refimpl._arrays import class_indices, to_numpy
from refimpl._validate import check_index, check_integer, check_mask


class LabelCounts(NamedTuple):
    """Examples of each class.

    Attributes:
        counts: Shape ``(K,)``, int64 (float64 in a moving average).
    """

    counts: NDArray


class PositiveCounts(NamedTuple):
    """Positive and negative examples of each label.

    Attributes:
        positives: Shape ``(C,)``, int64 (float64 in a moving average).
        negatives: Likewise.
    """

    positives: NDArray
    negatives: NDArray


Counts = TypeVar("Counts", LabelCounts, PositiveCounts)


def init_label_counts(classes: int) -> LabelCounts:
    """Returns the counts before the first batch.

    Args:
        classes: Number of classes K, >= 1.

    Returns:
        Zeros.

    Raises:
        TypeError: ``classes`` is not an integer.
        ValueError: ``classes`` is below 1.

    Example:
        >>> init_label_counts(3)
        LabelCounts(counts=array([0, 0, 0]))
    """
    check_integer("classes", classes, low=1)
    return LabelCounts(np.zeros(classes, np.int64))


def count_labels(
    state: LabelCounts, labels: Any, *, ignore_index: int = -100
) -> LabelCounts:
    r"""Adds a batch of class indices to the counts.

    .. math::
        n_k \mapsto n_k + \#\{i : y_i = k\}

    Args:
        state: As from :func:`init_label_counts` or the previous batch.
        labels: Class indices in [0, K) or ``ignore_index``, of any integer type or
            boolean, any shape and size, 0 included: an array of NumPy, PyTorch (on any
            device, with or without gradient) or JAX, or a list.
        ignore_index: Label of examples that do not count.

    Returns:
        The counts after this batch; the given ones stay as they are.

    Raises:
        TypeError: Labels are not integers; floats are probabilities, not indices.
        ValueError: A label is out of range; the message has its value and index.

    Convention:
        Counts are exact: int64, whatever the type of the labels. The function folds
        over any loader by ``functools.reduce``. It reads values, so it runs outside
        ``jit``. Counts of several workers add up: :func:`merge_counts`.

    Example:
        >>> from functools import reduce
        >>> loader = [("images", [0, 2, 0, -100]), ("images", [2, 2, 1])]
        >>> batches = (labels for _, labels in loader)
        >>> reduce(count_labels, batches, init_label_counts(3))
        LabelCounts(counts=array([2, 1, 3]))
    """
    check_kind("state", state, LabelCounts)
    check_integer("ignore_index", ignore_index)
    index = class_indices(labels)
    kept = index != ignore_index
    check_index("labels", np.where(kept, index, 0), state.counts.size)
    found = np.bincount(index[kept].astype(np.int64), minlength=state.counts.size)
    return LabelCounts(state.counts + found)


def init_positive_counts(labels: int = 1) -> PositiveCounts:
    """Returns the counts before the first batch.

    Args:
        labels: Number of labels C, >= 1. Binary data has 1.

    Returns:
        Zeros.

    Raises:
        TypeError: ``labels`` is not an integer.
        ValueError: ``labels`` is below 1.

    Example:
        >>> init_positive_counts(2)
        PositiveCounts(positives=array([0, 0]), negatives=array([0, 0]))
    """
    check_integer("labels", labels, low=1)
    return PositiveCounts(np.zeros(labels, np.int64), np.zeros(labels, np.int64))


def count_positives(
    state: PositiveCounts, labels: Any, *, mask: Any = None
) -> PositiveCounts:
    r"""Adds a batch of binary or multi-label data to the counts.

    .. math::
        N^+_c \mapsto N^+_c + \#\{i : y_{ic} = 1\},\qquad
        N^-_c \mapsto N^-_c + \#\{i : y_{ic} = 0\}

    Args:
        state: As from :func:`init_positive_counts` or the previous batch.
        labels: 0 or 1, of any integer or floating type or boolean, shape ``(N, C)``,
            or ``(N,)`` where C is 1; N may be 0. An array of NumPy, PyTorch (on any
            device, with or without gradient) or JAX, or a list.
        mask: Boolean, shaped like ``labels``, false where an element does not count,
            whatever stands there. ``None`` means all count.

    Returns:
        The counts after this batch; the given ones stay as they are.

    Raises:
        TypeError: Labels are not real numbers, or the mask is not boolean.
        ValueError: A wrong shape, or a label that is neither 0 nor 1; the message has
            its value and index.

    Convention:
        Soft labels are refused: what counts as a positive is the caller's choice, such
        as ``labels >= 0.5``. Otherwise as :func:`count_labels`.

    Example:
        >>> state = count_positives(init_positive_counts(2), [[1, 0], [0, 0]])
        >>> count_positives(state, [[0.0, 1.0]])
        PositiveCounts(positives=array([1, 1]), negatives=array([2, 2]))
    """
    check_kind("state", state, PositiveCounts)
    truth = to_numpy("labels", labels)
    columns = state.positives.size
    flat = columns == 1 and truth.ndim == 1
    if truth.shape[1:] != (columns,) and not flat:
        expected = "(N,) or (N, 1)" if columns == 1 else f"(N, {columns})"
        hint = (
            f" init_positive_counts({truth.shape[1]}) counts these."
            if truth.ndim == 2
            else ""
        )
        raise ValueError(f"labels must have shape {expected}, got {truth.shape}.{hint}")
    kept = np.ones(truth.shape, bool) if mask is None else to_numpy("mask", mask)
    check_mask("mask", kept, truth.shape)
    positive, negative = kept & (truth == 1), kept & (truth == 0)
    bad = kept & ~(positive | negative)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"labels must be 0 or 1, got {truth[at]} at index {at}.")
    shape = (truth.shape[0], columns)
    found = PositiveCounts(
        np.count_nonzero(positive.reshape(shape), axis=0),
        np.count_nonzero(negative.reshape(shape), axis=0),
    )
    return merge_counts(state, found)


def merge_counts(first: Counts, second: Counts) -> Counts:
    """Adds the counts of two workers, shards or data sets.

    Args:
        first: Counts of either kind.
        second: Counts of the same kind and number of classes.

    Returns:
        Their sum.

    Raises:
        TypeError: The two are of different kinds.
        ValueError: They count different numbers of classes.

    Example:
        >>> merge_counts(LabelCounts(np.array([1, 2])), LabelCounts(np.array([5, 0])))
        LabelCounts(counts=array([6, 2]))
    """
    check_alike(first, second)
    return type(first)(*(a + b for a, b in zip(first, second, strict=True)))


def check_kind(name: str, counts: Any, *kinds: type) -> None:
    """Raises unless ``counts`` are of one of these kinds."""
    if not isinstance(counts, kinds):
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise TypeError(f"{name} must be {expected}, got {type(counts).__name__}.")


def check_alike(first: Any, second: Any) -> None:
    """Raises unless both are counts of one kind and shape."""
    check_kind("counts", first, LabelCounts, PositiveCounts)
    check_kind("counts", second, type(first))
    if first[0].shape != second[0].shape:
        raise ValueError(
            "counts must have the same shape, "
            f"got {first[0].shape} and {second[0].shape}."
        )
