"""Penalty-reduced focal loss on heat maps of key points."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from refimpl._validate import REDUCTIONS, check_choice, check_mask, check_pair
from torch_impl._differentiable import Differentiable
from torch_impl._inputs import beside, computed, each, hyperparameter, in_range
from torch_impl._limits import product
from torch_impl._reduce import reduce
from torch_impl.focal import PARTIALS, focal


def heatmap_focal_loss(
    logits: Tensor,
    heatmap: Tensor,
    *,
    alpha: Any = 2.0,
    beta: Any = 4.0,
    pos_mask: Any = None,
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.heatmap_focal_loss`.

    It is the sigmoid focal loss of the peaks, discounted around them.
    """
    check_choice("reduction", reduction, REDUCTIONS)
    check_pair(logits, heatmap, names=("logits", "heatmap"))
    check_mask("pos_mask", pos_mask, tuple(logits.shape))
    x = computed("logits", logits)
    h = in_range("heatmap", heatmap, like=x, high=1)
    peak = h == 1 if pos_mask is None else beside("pos_mask", pos_mask, like=x)
    alpha = each(hyperparameter("alpha", alpha, like=x), like=x)
    beta = each(hyperparameter("beta", beta, like=x), like=x)
    count = peak.sum()
    divisor = count.clamp(min=1) if reduction == "mean" else count
    args = x, h, peak, alpha, beta
    return reduce(_reduced_focal, args, normalizer=divisor, reduction=reduction)


_power = Differentiable(
    lambda h, beta: torch.exp(product(beta, torch.log1p(-h))),
    (
        lambda h, beta: -product(beta, _power(h, beta - 1)),
        lambda h, beta: product(_power(h, beta), torch.log1p(-h)),
    ),
)


def _discount(h: Tensor, peak: Tensor, beta: Any) -> Tensor:
    # A peak is not discounted; its heat still has to be a number in range.
    return _power(torch.where(peak, 0 * h, h), beta)


def _focal_arguments(x: Tensor, peak: Tensor, alpha: Any) -> tuple[Any, ...]:
    return x, peak.to(x.dtype), None, alpha, None


def _value(x: Tensor, h: Tensor, peak: Tensor, alpha: Any, beta: Any) -> Tensor:
    loss = focal(*_focal_arguments(x, peak, alpha))
    return product(_discount(h, peak, beta), loss)


def _through_focal(partial: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def chained(x: Tensor, h: Tensor, peak: Tensor, alpha: Any, beta: Any) -> Tensor:
        slope = partial(*_focal_arguments(x, peak, alpha))
        return product(_discount(h, peak, beta), slope)

    return chained


def _d_heatmap(x: Tensor, h: Tensor, peak: Tensor, alpha: Any, beta: Any) -> Tensor:
    slope = torch.where(peak, 0 * h, -product(beta, _discount(h, peak, beta - 1)))
    return product(slope, focal(*_focal_arguments(x, peak, alpha)))


def _d_beta(x: Tensor, h: Tensor, peak: Tensor, alpha: Any, beta: Any) -> Tensor:
    log_discount = torch.log1p(-torch.where(peak, 0 * h, h))
    return product(_value(x, h, peak, alpha, beta), log_discount)


_d_logits, _, _, _d_gamma, _ = PARTIALS
_reduced_focal = Differentiable(
    _value,
    (_through_focal(_d_logits), _d_heatmap, None, _through_focal(_d_gamma), _d_beta),
)
