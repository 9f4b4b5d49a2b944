"""Softmax with relative accuracy for every class; see ``refimpl._softmax``."""

import torch
from torch import Tensor

from torch_impl._differentiable import differentiable


def top(a: Tensor) -> Tensor:
    """Marks the first of the largest elements."""
    classes = torch.arange(a.shape[-1], device=a.device)
    return classes == a.argmax(dim=-1, keepdim=True)


def others(a: Tensor) -> Tensor:
    """Returns, for each element, the sum of the others; a >= 0, no cancellation."""
    first = top(a)
    rest = torch.where(first, 0, a).sum(dim=-1, keepdim=True)
    # Only the largest element can be more than half of the sum.
    total = rest + torch.where(first, a, 0).sum(dim=-1, keepdim=True)
    return torch.where(first, rest, total - a)


def _from_top(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the distance of each logit from the largest, and the rest of the sum."""
    first = top(x)
    # Not amax, whose derivative is spread over ties.
    largest = torch.where(first, x, 0).sum(dim=-1, keepdim=True)
    gap = torch.where(first & ~x.isnan(), 0, largest - x)
    rest = torch.where(first, 0, torch.exp(-gap)).sum(dim=-1, keepdim=True)
    return gap, rest


def negative_log_softmax(x: Tensor) -> Tensor:
    """Returns -log of the probability of each class; both terms are >= 0."""
    gap, rest = _from_top(x)
    return gap + torch.log1p(rest)


def softmax(x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the probability of each class, and of all others together."""
    gap, rest = _from_top(x)
    share = torch.exp(-gap)
    return share / (1 + rest), others(share) / (1 + rest)


def _against(x: Tensor, own: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns the largest rival, the shares counted from it, and their rest."""
    rivals = torch.where(own, -torch.inf, x)
    first = top(rivals)
    largest = torch.where(first, rivals, 0).sum(dim=-1, keepdim=True)
    share = torch.exp(torch.where(first, 0, rivals - largest))
    # A rival at -inf has no share, also where there is no other.
    share = torch.where(rivals.isneginf(), 0, share)
    return largest, share, torch.where(first, 0, share).sum(dim=-1, keepdim=True)


def _margin_value(x: Tensor, own: Tensor) -> Tensor:
    largest, _, rest = _against(x, own)
    # In this order: what logits have in common must not round their difference.
    lead = torch.where(own, x, 0).sum(dim=-1, keepdim=True) - largest
    return (lead - torch.log1p(rest)).squeeze(-1)


def _d_margin(x: Tensor, own: Tensor) -> Tensor:
    _, share, rest = _against(x, own)
    return torch.where(own, 1, -share / (1 + rest))


# The log-odds m of the class that a boolean array marks, for which p = sigmoid(m).
margin = differentiable(_margin_value, (_d_margin, None), rowwise=True)
