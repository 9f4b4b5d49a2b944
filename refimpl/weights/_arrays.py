"""Counts and labels of any framework, brought to NumPy without importing one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl._validate import FLOATING, check_range, dtype_name

# Smaller counts are what a moving average leaves of a class long gone.
_NOTHING = 1e-100


def to_numpy(name: str, array: Any) -> NDArray:
    """Copies integers, booleans or floats to the host, their values unchanged."""
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        # NumPy has no bfloat16, and float64 holds every value of the lesser types.
        array = array.double() if array.is_floating_point() else array
    array = np.asarray(array)
    kind = dtype_name(array)
    if kind in FLOATING:
        return array.astype(np.float64, copy=False)
    if kind != "bool" and "int" not in kind:
        raise TypeError(f"{name} must be integers, booleans or floats, got {kind}.")
    # NumPy alone knows the integers of fewer than 8 bits as opaque values.
    return array.astype(np.int8) if array.dtype.kind == "V" else array


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
