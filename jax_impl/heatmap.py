"""Penalty-reduced focal loss on heat maps of key points."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._inputs import computed, in_range
from jax_impl._power import Whole, exponent, factor, less_one
from jax_impl._reduce import reduce
from jax_impl._stable import log_complement, product
from jax_impl.focal import PARTIALS, focal
from refimpl._validate import REDUCTIONS, check_choice, check_mask, check_pair


def heatmap_focal_loss(
    logits: ArrayLike,
    heatmap: ArrayLike,
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
    x = computed("logits", logits)
    check_mask("pos_mask", pos_mask, x.shape)
    h = in_range(heatmap, like=x, high=1)
    peak = h == 1 if pos_mask is None else jnp.asarray(pos_mask)
    alpha = exponent("alpha", alpha, like=x)
    beta = exponent("beta", beta, like=x)
    count = jnp.sum(peak)
    divisor = jnp.maximum(count, 1) if reduction == "mean" else count
    return reduce(_reduced_focal(x, h, peak, alpha, beta), divisor, reduction)


def _power_value(h: Array, beta: Any) -> Array:
    if isinstance(beta, Whole):
        return jax.lax.integer_pow(1 - h, beta.number)
    return jnp.exp(product(beta, log_complement(h)))


_power = differentiable(
    _power_value,
    (
        lambda h, beta: -product(factor(beta), _power(h, less_one(beta))),
        lambda h, beta: product(_power(h, beta), log_complement(h)),
    ),
)


def _discount(h: Array, peak: Array, beta: Any) -> Array:
    # A peak is not discounted; its heat still has to be a number in range.
    return _power(jnp.where(peak, 0 * h, h), beta)


def _focal_arguments(x: Array, peak: Array, alpha: Any) -> tuple[Any, ...]:
    return x, peak.astype(x.dtype), None, alpha, None, None


def _value(x: Array, h: Array, peak: Array, alpha: Any, beta: Any) -> Array:
    loss = focal(*_focal_arguments(x, peak, alpha))
    return product(_discount(h, peak, beta), loss)


def _through_focal(partial: Callable[..., Array]) -> Callable[..., Array]:
    def chained(x: Array, h: Array, peak: Array, alpha: Any, beta: Any) -> Array:
        slope = partial(*_focal_arguments(x, peak, alpha))
        return product(_discount(h, peak, beta), slope)

    return chained


def _d_heatmap(x: Array, h: Array, peak: Array, alpha: Any, beta: Any) -> Array:
    rest = product(factor(beta), _discount(h, peak, less_one(beta)))
    slope = jnp.where(peak, 0 * h, -rest)
    return product(slope, focal(*_focal_arguments(x, peak, alpha)))


def _d_beta(x: Array, h: Array, peak: Array, alpha: Any, beta: Any) -> Array:
    log_discount = log_complement(jnp.where(peak, 0 * h, h))
    return product(_value(x, h, peak, alpha, beta), log_discount)


_d_logits, _, _, _d_gamma, _, _ = PARTIALS
_reduced_focal = differentiable(
    _value,
    (_through_focal(_d_logits), _d_heatmap, None, _through_focal(_d_gamma), _d_beta),
)
