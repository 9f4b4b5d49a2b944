"""Penalty-reduced focal loss on heat maps of key points."""

from typing import Any

import torch
from torch import Tensor

from refimpl._validate import REDUCTIONS, check_choice, check_mask, check_pair
from torch_impl._differentiable import differentiable
from torch_impl._inputs import beside, computed, hyperparameter, in_range
from torch_impl._reduce import reduce
from torch_impl._stable import product
from torch_impl.focal import alphas, focal


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
    alpha = hyperparameter("alpha", alpha, like=x).expand(x.shape)
    beta = hyperparameter("beta", beta, like=x).expand(x.shape)
    weight = torch.ones_like(x)
    loss = focal(x, peak.to(x.dtype), weight, alpha, *alphas(None, x))
    # A peak is not discounted; its heat still has to be a number in range.
    discount = _discount(torch.where(peak, 0 * h, h), beta)
    count = peak.sum()
    divisor = count.clamp(min=1) if reduction == "mean" else count
    return reduce(product(discount, loss), divisor, reduction)


def _value(h: Tensor, beta: Tensor) -> Tensor:
    return torch.exp(product(beta, torch.log1p(-h)))


_discount = differentiable(
    _value,
    (
        lambda h, beta: -product(beta, _discount(h, beta - 1)),
        lambda h, beta: product(_discount(h, beta), torch.log1p(-h)),
    ),
)
