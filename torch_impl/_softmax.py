"""Softmax with relative accuracy for every class; see ``refimpl._softmax``."""

import torch
from torch import Tensor

from torch_impl._differentiable import Differentiable


def others(a: Tensor) -> Tensor:
    """Returns, for each element, the sum of the others; a >= 0, no cancellation."""
    largest, first = a.max(dim=-1, keepdim=True)
    rest = a.scatter(-1, first, 0).sum(dim=-1, keepdim=True)
    # Only the largest element can be more than half of the sum.
    return ((rest + largest) - a).scatter(-1, first, rest)


def _from_top(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the distance of each logit from the largest, and the rest of the sum."""
    # Not amax, whose derivative is spread over ties.
    largest, first = x.max(dim=-1, keepdim=True)
    # Infinite logits have no distance; NaN at the top is not wiped out.
    gap = (largest - x).scatter(-1, first, 0 * torch.exp(-largest.abs()))
    rest = torch.exp(-gap).scatter(-1, first, 0).sum(dim=-1, keepdim=True)
    return gap, rest


def negative_log_softmax(x: Tensor) -> Tensor:
    """Returns -log of the probability of each class; both terms are >= 0."""
    gap, rest = _from_top(x)
    return gap + torch.log1p(rest)


def softmax(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the probability of each class, and of all others together."""
    gap, rest = _from_top(x)
    share = torch.exp(-gap)
    return share / (1 + rest), (rest + (1 - share)) / (1 + rest)


def _against(x: Tensor, index: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the largest rival, the shares counted from it, and their rest."""
    rivals = x.scatter(-1, index.unsqueeze(-1), -torch.inf)
    largest, first = rivals.max(dim=-1, keepdim=True)
    share = torch.exp((rivals - largest).scatter(-1, first, 0))
    # A rival at -inf has no share, also where there is no other.
    share = torch.where(rivals.isneginf(), 0, share)
    return largest, share, share.scatter(-1, first, 0).sum(dim=-1, keepdim=True)


def _margin_value(x: Tensor, index: Tensor) -> Tensor:
    largest, _, rest = _against(x, index)
    # In this order: what logits have in common must not round their difference.
    lead = x.gather(-1, index.unsqueeze(-1)) - largest
    return (lead - torch.log1p(rest)).squeeze(-1)


def _d_margin(x: Tensor, index: Tensor) -> Tensor:
    _, share, rest = _against(x, index)
    return (-share / (1 + rest)).scatter(-1, index.unsqueeze(-1), 1)


# The log-odds m of the class with an index, for which p = sigmoid(m).
margin = Differentiable(_margin_value, (_d_margin, None), rowwise=True)
