"""Focal loss on independent logits."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from refimpl._validate import REDUCTIONS, check_choice
from torch_impl._differentiable import Differentiable
from torch_impl._inputs import binary_inputs, each, hyperparameter
from torch_impl._limits import TINY, plus_product, product
from torch_impl._margin import are_hard, wrong_side
from torch_impl._miss import Miss, log_miss, miss, rise
from torch_impl._reduce import reduce
from torch_impl._sides import by_side, sides, weigh
from torch_impl._stable import softplus, softplus_ratio

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
    gamma = each(hyperparameter("gamma", gamma, like=x), like=x)
    if alpha is not None:
        alpha = each(hyperparameter("alpha", alpha, like=x, high=1), like=x)
    return reduce(
        focal,
        (x, y, w, gamma, alpha),
        weight=v,
        normalizer=x.numel(),
        reduction=reduction,
    )


class _Terms(NamedTuple):
    """What value and slopes are made of."""

    miss: Miss
    weight: Tensor
    loss: Tensor


def _terms(x: Tensor, y: Tensor, w: Any, gamma: Any, alpha: Any) -> _Terms:
    parts = miss(x, y)
    on, off, _, _, q = parts
    weight = _power(q, gamma)
    if alpha is not None:
        weight = weight * by_side(on, off, alpha, 1 - alpha)
    return _Terms(parts, weight, weigh(x, on if w is None else w * on, off))


def _power(q: Tensor, gamma: Any) -> Tensor:
    if not isinstance(gamma, Tensor):
        return q**gamma
    return torch.exp(gamma * q.clamp(min=TINY[q.dtype]).log())


def _value(x: Tensor, y: Tensor, w: Any, gamma: Any, alpha: Any) -> Tensor:
    terms = _terms(x, y, w, gamma, alpha)
    return product(terms.weight, terms.loss)


def _slope(terms: _Terms, w: Any, gamma: Any) -> Tensor:
    parts, weight, loss = terms
    on, off, p, not_p, _ = parts
    # At an infinite loss the slope of log q is 0.
    focusing = rise(parts) * loss.clamp(max=_HUGE) * gamma
    on = on if w is None else w * on
    slope = plus_product(focusing + off * p, on, not_p, sign=-1)
    return slope * weight


def _d_logits(x: Tensor, y: Tensor, w: Any, gamma: Any, alpha: Any) -> Tensor:
    return _slope(_terms(x, y, w, gamma, alpha), w, gamma)


def _joint(
    x: Tensor, y: Tensor, w: Any, gamma: Any, alpha: Any
) -> tuple[Tensor, Tensor]:
    if are_hard(y):
        return _of_margin(x, y, w, gamma, alpha)
    terms = _terms(x, y, w, gamma, alpha)
    slope = _slope(terms, w, gamma)
    return product(terms.weight, terms.loss, witness=slope), slope


def _of_margin(
    x: Tensor, y: Tensor, w: Any, gamma: Any, alpha: Any
) -> tuple[Tensor, Tensor]:
    flip, wrong, loss = wrong_side(x, y)
    q, not_q = torch.sigmoid(wrong), torch.sigmoid(-wrong)
    weight = _power(q, gamma)
    if w is not None or alpha is not None:
        on, off = (1, 1) if alpha is None else (alpha, 1 - alpha)
        weight = by_side(y, 1 - y, on if w is None else w * on, off).mul_(weight)
    slope = loss.clamp(max=_HUGE).mul_(not_q).mul_(gamma).add_(q)
    slope = slope.mul_(weight).mul_(flip)
    return product(weight, loss, witness=slope), slope


def _d_labels(x: Tensor, y: Tensor, w: Any, gamma: Any, alpha: Any) -> Tensor:
    # Terms of opposite sign meet at an infinite logit: the limit is that of a huge one.
    huge = torch.where(torch.isinf(x), torch.inf, torch.ones_like(x))
    x = x.clamp(-_HUGE, _HUGE)
    w = 1 if w is None else w
    (on, off, p, not_p, q), _, loss = _terms(x, y, w, gamma, alpha)
    # Cross-entropy / q stays finite where both vanish, so 1 / q is never formed.
    least = TINY[x.dtype]
    ratio = w * (on * not_p.clamp(min=least) / q) * softplus_ratio(-x)
    ratio = ratio + (off * p.clamp(min=least) / q) * softplus_ratio(x)
    slope = gamma * (not_p - p) * ratio + w * softplus(-x) - softplus(x)
    if alpha is not None:
        slope = by_side(on, off, alpha, 1 - alpha) * slope + (2 * alpha - 1) * loss
    # It is not small where q is, so here q must not stop at the least normal number.
    return product(torch.exp(product(gamma, log_miss(x, y))) * slope, huge)


def _d_pos_weight(x: Tensor, y: Tensor, w: Any, gamma: Any, alpha: Any) -> Tensor:
    terms = _terms(x, y, w, gamma, alpha)
    return product(terms.weight, product(terms.miss.on, softplus(-x)))


def _d_gamma(x: Tensor, y: Tensor, w: Any, gamma: Any, alpha: Any) -> Tensor:
    return product(_value(x, y, w, gamma, alpha), log_miss(x, y))


def _d_alpha(x: Tensor, y: Tensor, w: Any, gamma: Any, _alpha: Any) -> Tensor:
    on, off = sides(y)
    loss = _value(x, y, w, gamma, None)
    return product(on, loss) - product(off, loss)


PARTIALS = (_d_logits, _d_labels, _d_pos_weight, _d_gamma, _d_alpha)

focal = Differentiable(_value, PARTIALS, joint=_joint)
