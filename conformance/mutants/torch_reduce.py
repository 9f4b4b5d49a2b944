"""The last step of every planted loss in PyTorch, in the plainest way."""

from typing import Any

import torch
from torch import Tensor


def reduce(loss: Tensor, normalizer: Any, reduction: str) -> Any:
    """Reduces a loss, rightly: what is wrong is wrong before."""
    if reduction == "none":
        return loss
    total, normalizer = loss.sum(), loss.new_ones(()) * normalizer
    if reduction == "parts":
        return total, normalizer
    divisor = torch.where(normalizer == 0, 1, normalizer)
    return total / divisor if reduction == "mean" else total
