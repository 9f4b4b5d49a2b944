"""Reductions: the last step of every loss; see ``refimpl._reduce``."""

from typing import Any

import torch
from torch import Tensor


def reduce(loss: Tensor, normalizer: Any, reduction: str) -> Any:
    """Reduces ``loss``; ``normalizer`` is what ``"mean"`` divides the total by."""
    if reduction == "none":
        return loss
    total = loss.sum()
    if reduction == "sum":
        return total
    # Not as_tensor: torch.export would make a constant of a dynamic size.
    normalizer = loss.new_ones(()) * normalizer
    if reduction == "parts":
        return total, normalizer
    return total / torch.where(normalizer == 0, 1, normalizer)


def along_class_axis(weight: Tensor, ndim: int, class_axis: int) -> Tensor:
    """Shapes (C,) so that it broadcasts along ``class_axis``; scalars pass."""
    if weight.ndim == 0:
        return weight
    shape = [1] * ndim
    shape[class_axis] = -1
    return weight.reshape(shape)
