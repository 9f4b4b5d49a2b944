"""Counts of any framework as float64."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl._arrays import to_numpy
from refimpl._validate import check_range

# Smaller counts are what a moving average leaves of a class long gone.
_NOTHING = 1e-100


def as_counts(name: str, counts: Any) -> NDArray[np.float64]:
    """Returns counts as float64; those of next to nothing become 0.

    Raises:
        TypeError: Not real numbers.
        ValueError: A count is negative or not finite.
    """
    array = to_numpy(name, counts).astype(np.float64)
    check_range(name, array)
    return np.where(array < _NOTHING, 0, array)


def as_class_counts(counts: Any) -> NDArray[np.float64]:
    """Returns one count per class as float64.

    Raises:
        TypeError: Not real numbers.
        ValueError: Not one axis, without an example, or a count out of range.
    """
    array = as_counts("class_counts", counts)
    if array.ndim != 1:
        raise ValueError(f"class_counts must have shape (K,), got {array.shape}.")
    if not array.any():
        raise ValueError(f"class_counts must count an example, got {array.tolist()}.")
    return array


def as_count_pair(positives: Any, negatives: Any) -> tuple[NDArray, NDArray]:
    """Returns the two counts of each label as float64, in one shape.

    Raises:
        TypeError: Not real numbers.
        ValueError: Unequal shapes, more than one axis, or a count out of range.
    """
    pair = as_counts("positives", positives), as_counts("negatives", negatives)
    if pair[0].shape != pair[1].shape or pair[0].ndim > 1:
        raise ValueError(
            "positives and negatives must both be numbers or have shape (C,), "
            f"got {pair[0].shape} and {pair[1].shape}."
        )
    return pair
