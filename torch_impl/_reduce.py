"""Reductions: the last step of every loss; see ``refimpl._reduce``."""

from typing import Any

import torch
from torch import Tensor

from torch_impl._differentiable import Differentiable
from torch_impl._limits import product


def reduce(
    loss: Differentiable,
    args: tuple[Any, ...],
    *,
    weight: Tensor | None = None,
    normalizer: Any,
    reduction: str,
) -> Any:
    """Weighs and reduces a loss; ``"mean"`` divides the total by ``normalizer``."""
    if reduction == "none":
        each = loss(*args)
        return each if weight is None else product(weight, each)
    total = loss.total(*args, weight=weight)
    if reduction == "sum":
        return total
    if reduction == "mean" and isinstance(normalizer, int):
        return total / max(normalizer, 1)
    # Not as_tensor: torch.export would make a constant of a dynamic size.
    normalizer = total.new_ones(()) * normalizer
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
