"""Losses of hard labels, 0 or 1, from the margin: half the work of the two sides."""

from typing import NamedTuple

import torch
from torch import Tensor

from torch_impl._stable import softplus_rest
from torch_impl._tracing import seen


def are_hard(labels: Tensor) -> bool:
    """Tells whether all labels are 0 or 1, where looking costs next to nothing."""
    if not seen(labels):
        return False
    return torch.addcmul(labels, labels, labels, value=-1).abs_().sum().item() == 0


class Margin(NamedTuple):
    """The logit of the wrong side, ``flip * x``.

    Attributes:
        flip: 1 for the label 0, -1 for 1.
        wrong: The logit of the wrong side.
        loss: Its softplus.
    """

    flip: Tensor
    wrong: Tensor
    loss: Tensor


def wrong_side(x: Tensor, y: Tensor) -> Margin:
    """Returns what the losses of hard labels are made of."""
    flip = torch.rsub(y, 1, alpha=2)
    wrong = flip * x
    return Margin(flip, wrong, wrong.clamp(min=0).add_(softplus_rest(wrong)))
