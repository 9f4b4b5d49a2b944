"""Gradient-harmonised regression."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from refimpl._validate import REDUCTIONS, check_choice, check_mask, check_pair
from torch_impl._density import GHMState, harmonise, masked
from torch_impl._differentiable import Differentiable
from torch_impl._inputs import beside, computed, hyperparameter, scalar
from torch_impl._reduce import reduce


def ghmr_loss(
    predictions: Tensor,
    targets: Tensor,
    state: Any = None,
    *,
    mu: Any = 0.02,
    bins: int = 10,
    momentum: Any = 0.0,
    debias: bool = True,
    average_over: str = "nonempty",
    sample_mask: Any = None,
    reduce_counts: Callable[[Tensor], Tensor] | None = None,
    reduction: str = "mean",
) -> tuple[Any, GHMState]:
    """Computes :func:`refimpl.ghmr_loss`."""
    check_choice("reduction", reduction, REDUCTIONS)
    check_pair(predictions, targets, names=("predictions", "targets"))
    check_mask("sample_mask", sample_mask, tuple(predictions.shape))
    ahead = computed("predictions", predictions)
    behind = beside("targets", targets, like=ahead).to(ahead.dtype)
    d = masked(sample_mask, ahead) - masked(sample_mask, behind)
    width = hyperparameter("mu", mu, like=d, positive=True)
    width = scalar(width, like=d).expand(d.shape)
    harmony = harmonise(
        _norm,
        (d.detach(), width.detach()),
        state,
        bins=bins,
        momentum=momentum,
        debias=debias,
        average_over=average_over,
        sample_mask=sample_mask,
        reduce_counts=reduce_counts,
    )
    loss = reduce(
        _smooth_abs,
        (d, width),
        weight=harmony.weight,
        normalizer=harmony.kept,
        reduction=reduction,
    )
    return loss, harmony.state


def _norm(d: Tensor, width: Tensor) -> Tensor:
    return _slope(d, width).abs()


def _ratio(d: Tensor, size: Tensor) -> Tensor:
    """Returns |d| / size, where both may be infinite."""
    return torch.where(d.isinf(), 1, d.abs() / torch.where(d.isinf(), 1, size))


def _slope_value(d: Tensor, width: Tensor) -> Tensor:
    return torch.sign(d) * _ratio(d, torch.hypot(d, width))


def _value(d: Tensor, width: Tensor) -> Tensor:
    return d.abs() * _ratio(d, torch.hypot(d, width) + width)


def _complement(d: Tensor, width: Tensor) -> Tensor:
    """Returns width / hypot(d, width), the cosine to the slope's sine."""
    return width / torch.hypot(d, width)


_slope = Differentiable(
    _slope_value,
    (
        lambda d, width: _complement(d, width) ** 3 / width,
        lambda d, width: -_slope(d, width) * _complement(d, width) ** 2 / width,
    ),
)


def _d_width(d: Tensor, width: Tensor) -> Tensor:
    size = torch.hypot(d, width)
    return -_ratio(d, size) * _ratio(d, size + width)


_smooth_abs = Differentiable(_value, (_slope, _d_width))
