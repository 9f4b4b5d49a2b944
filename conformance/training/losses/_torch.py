"""The losses in PyTorch, under ``vmap``, ``grad`` and ``make_fx``; see ``_numpy``.

Printed losses carry the gradients of ``_numpy``: autograd would differ where they
saturate.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import torch_impl
from conformance.training.losses._calls import packaged
from conformance.training.recipe import Mining
from torch_impl._differentiable import Differentiable


def find(name: str) -> Callable[..., tuple[Tensor, Any]]:
    """Returns ``loss(logits, labels, state, **options) -> (values, state)``."""
    return _PRINTED[name] if name in _PRINTED else packaged(torch_impl, name)


def boost(values: Tensor, mining: Mining) -> Tensor:
    """Returns what each value is multiplied by, a constant for the gradient."""
    examples = values.reshape(len(values), -1)
    chosen, mask = torch_impl.hard_example_mining(
        examples.mean(1), fraction=mining.fraction
    )
    bonus = mining.factor * len(values) / len(chosen)
    mask = mask.to(values.dtype)
    return 1 + bonus * mask.reshape(-1, *(1,) * (values.ndim - 1))


def _probability(x: Tensor) -> Tensor:
    z = torch.exp(-x.abs())
    return torch.where(x >= 0, 1, z) / (1 + z)


def _cross_entropy(x: Tensor, y: Tensor) -> Tensor:
    return torch_impl.binary_cross_entropy(_probability(x), y, reduction="none")


def _d_cross_entropy(x: Tensor, y: Tensor) -> Tensor:
    p = _probability(x)
    spread = p * (1 - p)
    return (p - y) / spread.clamp(min=1e-12) * spread


def _shifted(x: Tensor, y: Tensor, eps: float) -> Tensor:
    p = _probability(x)
    return -torch.log(torch.where(y == 1, p, 1 - p) + eps)


def _d_shifted(x: Tensor, y: Tensor, eps: float) -> Tensor:
    p = _probability(x)
    slope = p * (1 - p) / (torch.where(y == 1, p, 1 - p) + eps)
    return torch.where(y == 1, -slope, slope)


_of_p = Differentiable(_cross_entropy, (_d_cross_entropy, None))
_of_shifted_p = Differentiable(_shifted, (_d_shifted, None, None))


def _of_probabilities(x: Tensor, y: Tensor, state: Any) -> tuple[Tensor, Any]:
    return _of_p(x, y), state


def _of_shifted_probabilities(
    x: Tensor, y: Tensor, state: Any, *, eps: float = 1e-7
) -> tuple[Tensor, Any]:
    return _of_shifted_p(x, y, eps), state


def _ghmc_as_printed(
    x: Tensor, y: Tensor, state: Any, *, bins: int = 10, momentum: float = 0.75
) -> tuple[Tensor, Any]:
    (counts,) = state
    edges = torch.arange(bins + 1, dtype=x.dtype, device=x.device) / bins
    # Compared only, so that weights are constants for the gradient.
    norm = (_probability(x) - y).abs().unsqueeze(-1)
    inside = ((norm >= edges[:-1]) & (norm < edges[1:])).reshape(-1, bins)
    found = inside.sum(0)
    average = momentum * counts + (1 - momentum) * found
    counts = torch.where(found > 0, average, counts)
    per_bin = torch.where(found > 0, x.numel() / torch.where(found > 0, counts, 1), 0)
    weights = (inside * per_bin).sum(1).reshape(x.shape)
    values = torch_impl.binary_cross_entropy_with_logits(x, y, reduction="none")
    return weights * values, (counts,)


_PRINTED = {
    "bce_of_probabilities": _of_probabilities,
    "bce_of_shifted_probabilities": _of_shifted_probabilities,
    "ghmc_as_printed": _ghmc_as_printed,
}
