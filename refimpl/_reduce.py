"""Reductions: the last step of every loss, and the way back for its gradients."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def reduce(loss: NDArray, normalizer: Any, reduction: str) -> Any:
    """Reduces ``loss``; ``normalizer`` is what ``"mean"`` divides the total by."""
    if reduction == "none":
        return loss
    total = np.sum(loss)
    if reduction == "sum":
        return total
    normalizer = np.asarray(normalizer, dtype=loss.dtype)
    if reduction == "parts":
        return total, normalizer
    # Nothing kept: the total is 0, and so is the mean.
    return total / np.where(normalizer == 0, 1, normalizer)


def along_class_axis(weight: NDArray, ndim: int, class_axis: int) -> NDArray:
    """Shapes (C,) so that it broadcasts along ``class_axis``; scalars pass."""
    if weight.ndim == 0:
        return weight
    shape = [1] * ndim
    shape[class_axis] = -1
    return weight.reshape(shape)


def sum_to(gradient: NDArray, shape: tuple[int, ...], class_axis: int = -1) -> NDArray:
    """Sums a per-element gradient to the shape of a scalar or per-class argument."""
    if gradient.shape == shape:
        return gradient
    if shape == ():
        return np.sum(gradient)
    rows = np.moveaxis(gradient, class_axis, 0).reshape(*shape, -1)
    # NumPy adds pairwise only what lies side by side.
    return np.ascontiguousarray(rows).sum(axis=1)
