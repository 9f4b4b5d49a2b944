"""Focal loss on independent logits."""

from typing import Any

import torch
from torch import Tensor

from refimpl._validate import REDUCTIONS, check_choice
from torch_impl._differentiable import differentiable
from torch_impl._inputs import binary_inputs, hyperparameter
from torch_impl._miss import d_log_q, log_q, negative_share, positive_share
from torch_impl._reduce import reduce
from torch_impl._stable import product, sigmoid, softplus, softplus_ratio

# Stands for an infinite logit; its products are still finite in float32.
_HUGE = 1e30


def sigmoid_focal_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    alpha: Any = None,
    gamma: Any = 2.0,
    pos_weight: Any = None,
    sample_weight: Any = None,
    class_axis: int = -1,
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.sigmoid_focal_loss`.

    The gradient is a rule of its own: the chain rule through ``(1 - p_t) ** gamma``
    gives NaN for ``gamma < 1`` once ``p_t`` rounds to 1.
    """
    check_choice("reduction", reduction, REDUCTIONS)
    x, y, w, v = binary_inputs(
        logits,
        labels,
        pos_weight=pos_weight,
        sample_weight=sample_weight,
        class_axis=class_axis,
    )
    gamma = hyperparameter("gamma", gamma, like=x).expand(x.shape)
    loss = focal(x, y, w, gamma, *alphas(alpha, x))
    return reduce(product(v, loss), x.numel(), reduction)


def alphas(alpha: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the weights of the positive and the negative class; None is off."""
    if alpha is None:
        # Two tensors: torch.compile refuses a rule that gets one twice.
        return torch.ones_like(x), torch.ones_like(x)
    alpha = hyperparameter("alpha", alpha, like=x, high=1).expand(x.shape)
    return alpha, 1 - alpha


def _alpha_t(y: Tensor, on: Tensor, off: Tensor) -> Tensor:
    return y * on + (1 - y) * off


def _cross_entropy(x: Tensor, y: Tensor, w: Tensor) -> Tensor:
    return product(w * y, softplus(-x)) + product(1 - y, softplus(x))


def _modulator(x: Tensor, y: Tensor, gamma: Tensor) -> Tensor:
    return torch.exp(product(gamma, log_q(x, y)))


def _focused(x: Tensor, y: Tensor, w: Tensor, gamma: Tensor) -> Tensor:
    return product(_modulator(x, y, gamma), _cross_entropy(x, y, w))


def _value(
    x: Tensor, y: Tensor, w: Tensor, gamma: Tensor, on: Tensor, off: Tensor
) -> Tensor:
    return product(_alpha_t(y, on, off), _focused(x, y, w, gamma))


def _d_logits(
    x: Tensor, y: Tensor, w: Tensor, gamma: Tensor, on: Tensor, off: Tensor
) -> Tensor:
    d_cross_entropy = (1 - y) * sigmoid(x) - w * y * sigmoid(-x)
    focusing = gamma * product(d_log_q(x, y), _cross_entropy(x, y, w))
    slope = _modulator(x, y, gamma) * (focusing + d_cross_entropy)
    return _alpha_t(y, on, off) * slope


def _d_labels(
    x: Tensor, y: Tensor, w: Tensor, gamma: Tensor, on: Tensor, off: Tensor
) -> Tensor:
    # Terms of opposite sign meet at an infinite logit: the limit is that of a huge one.
    huge = torch.where(torch.isinf(x), torch.inf, torch.ones_like(x))
    x = x.clamp(-_HUGE, _HUGE)
    # Cross-entropy / q stays finite where both vanish, so 1 / q is never formed.
    ratio = w * positive_share(x, y) * softplus_ratio(-x)
    ratio = ratio + negative_share(x, y) * softplus_ratio(x)
    focusing = gamma * (sigmoid(-x) - sigmoid(x)) * ratio
    slope = _alpha_t(y, on, off) * (focusing + w * softplus(-x) - softplus(x))
    slope = slope + (on - off) * _cross_entropy(x, y, w)
    return product(_modulator(x, y, gamma) * slope, huge)


def _d_pos_weight(
    x: Tensor, y: Tensor, _w: Tensor, gamma: Tensor, on: Tensor, off: Tensor
) -> Tensor:
    weight = _alpha_t(y, on, off) * _modulator(x, y, gamma)
    return product(weight, product(y, softplus(-x)))


def _d_gamma(
    x: Tensor, y: Tensor, w: Tensor, gamma: Tensor, on: Tensor, off: Tensor
) -> Tensor:
    return product(_value(x, y, w, gamma, on, off), log_q(x, y))


def _d_on(
    x: Tensor, y: Tensor, w: Tensor, gamma: Tensor, _on: Tensor, _off: Tensor
) -> Tensor:
    return product(y, _focused(x, y, w, gamma))


def _d_off(
    x: Tensor, y: Tensor, w: Tensor, gamma: Tensor, _on: Tensor, _off: Tensor
) -> Tensor:
    return product(1 - y, _focused(x, y, w, gamma))


PARTIALS = (_d_logits, _d_labels, _d_pos_weight, _d_gamma, _d_on, _d_off)

focal = differentiable(_value, PARTIALS)
