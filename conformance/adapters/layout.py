"""Arrays of the same content that lie differently in memory."""

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray


def arranged(array: NDArray[Any], layout: str) -> NDArray[Any]:
    """Copies an array into memory of its own.

    Args:
        array: The content.
        layout: ``"contiguous"``; ``"strided"``, every second place of a buffer;
            ``"transposed"``, first axis fastest; ``"broadcast"``, one place for all
            elements, where they are all equal.

    Returns:
        A writable array equal to the given one.

    Raises:
        ValueError: Unknown layout.
    """
    if layout == "contiguous":
        return np.array(array, order="C")
    if layout == "strided":
        buffer = np.full((*array.shape, 2), -7, array.dtype)
        buffer[..., 0] = array
        return buffer[..., 0]
    if layout == "transposed":
        return np.array(array, order="F")
    if layout == "broadcast":
        if not array.size or np.any(array != array.flat[0]):
            return np.array(array, order="C")
        place = np.array(array.flat[:1])
        return as_strided(place, array.shape, (0,) * array.ndim)
    raise ValueError(
        "layout must be one of contiguous, strided, transposed, broadcast, "
        f"got {layout!r}."
    )


def changed(before: NDArray[Any], after: NDArray[Any]) -> bool:
    """Tells whether an array no longer holds what it held."""
    return before.shape != after.shape or before.tobytes() != after.tobytes()
