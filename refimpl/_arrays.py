"""Arrays of any framework, brought to NumPy without importing one."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl._validate import FLOATING, dtype_name


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


def class_indices(labels: Any) -> NDArray:
    """Returns class indices, their values unchanged and not looked at.

    Raises:
        TypeError: Labels are neither integers nor booleans.
    """
    index = to_numpy("labels", labels)
    # An empty list is an array of floats to NumPy.
    if index.size and index.dtype.kind not in "biu":
        raise TypeError(
            f"labels must be class indices (integers or booleans), got {index.dtype}; "
            "cast whole numbers to int."
        )
    return index
