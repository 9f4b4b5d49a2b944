"""Adaptive binary cross-entropy: a weighted loss with a focusing modulator."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from refimpl._validate import MODULATORS, REDUCTIONS, check_choice
from torch_impl import bce
from torch_impl._differentiable import Differentiable
from torch_impl._inputs import binary_inputs, each, hyperparameter
from torch_impl._limits import product
from torch_impl._reduce import reduce
from torch_impl._stable import one_minus_exp
from torch_impl.focal import focal


def adaptive_bce_with_logits(
    logits: Tensor,
    labels: Tensor,
    *,
    pos_weight: Any,
    gamma: Any = 2.0,
    modulator: str = "probability",
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.adaptive_bce_with_logits`."""
    check_choice("reduction", reduction, REDUCTIONS)
    check_choice("modulator", modulator, MODULATORS)
    x, y, w, _ = binary_inputs(logits, labels, pos_weight=pos_weight)
    gamma = each(hyperparameter("gamma", gamma, like=x), like=x)
    if modulator == "probability":
        loss, args = focal, (x, y, w, gamma, None)
    else:
        loss, args = _weighted_loss, (x, y, w, gamma)
    return reduce(loss, args, normalizer=x.numel(), reduction=reduction)


def _log_modulator_value(b: Tensor) -> Tensor:
    return torch.log(one_minus_exp(b))


def _elasticity_value(b: Tensor) -> Tensor:
    # d log(1 - exp(-b)) / d log b = b exp(-b) / (1 - exp(-b)), which is 1 at b = 0.
    p = one_minus_exp(b)
    return product(torch.exp(-b), b) / torch.where(b == 0, 1, p) + (b == 0)


def _safe(b: Tensor) -> Tensor:
    # Below this the derivatives are multiplied by a b that has all but vanished.
    return b.clamp(min=torch.finfo(b.dtype).tiny)


_elasticity = Differentiable(
    _elasticity_value,
    (lambda b: _elasticity(b) * ((1 - _elasticity(b)) / _safe(b) - 1),),
)
_log_modulator = Differentiable(
    _log_modulator_value, (lambda b: _elasticity(b) / _safe(b),)
)


def _modulate(b: Tensor, gamma: Any) -> Tensor:
    return torch.exp(product(gamma, _log_modulator(b)))


def _cross_entropy(x: Tensor, y: Tensor, w: Any) -> Tensor:
    return bce.cross_entropy(x, y, w, 0)


def _value(x: Tensor, y: Tensor, w: Any, gamma: Any) -> Tensor:
    b = _cross_entropy(x, y, w)
    return product(_modulate(b, gamma), b)


def _through_loss(partial: Callable[..., Tensor]) -> Callable[..., Tensor]:
    # One partial for the chain: its factors may be 0 and infinite at the limit.
    def chained(x: Tensor, y: Tensor, w: Any, gamma: Any) -> Tensor:
        b = _cross_entropy(x, y, w)
        slope = _modulate(b, gamma) * (1 + gamma * _elasticity(b))
        return product(slope, partial(x, y, w, 0))

    return chained


def _d_gamma(x: Tensor, y: Tensor, w: Any, gamma: Any) -> Tensor:
    log_modulator = _log_modulator(_cross_entropy(x, y, w))
    return product(_value(x, y, w, gamma), log_modulator)


_weighted_loss = Differentiable(
    _value, (*(_through_loss(partial) for partial in bce.PARTIALS[:3]), _d_gamma)
)
