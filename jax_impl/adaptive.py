"""Adaptive binary cross-entropy: a weighted loss with a focusing modulator."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl import bce
from jax_impl._differentiable import differentiable
from jax_impl._inputs import binary_inputs
from jax_impl._power import Whole, exponent, factor
from jax_impl._reduce import reduce
from jax_impl._stable import product
from jax_impl.focal import alphas, focal
from refimpl._validate import MODULATORS, REDUCTIONS, check_choice


def adaptive_bce_with_logits(
    logits: ArrayLike,
    labels: ArrayLike,
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
    gamma = exponent("gamma", gamma, like=x)
    if modulator == "probability":
        loss = focal(x, y, w, gamma, *alphas(None, x))
    else:
        loss = _weighted_loss(x, y, w, gamma)
    return reduce(loss, x.size, reduction)


def _log_modulator_value(b: Array) -> Array:
    return jnp.log(-jnp.expm1(-b))


def _elasticity_value(b: Array) -> Array:
    # d log(1 - exp(-b)) / d log b = b exp(-b) / (1 - exp(-b)), which is 1 at b = 0.
    p = -jnp.expm1(-b)
    return product(jnp.exp(-b), b) * (1 / jnp.where(b == 0, 1, p)) + (b == 0)


def _safe(b: Array) -> Array:
    # Below this the derivatives are multiplied by a b that has all but vanished.
    return jnp.maximum(b, jnp.finfo(b.dtype).tiny)


_elasticity = differentiable(
    _elasticity_value,
    (lambda b: _elasticity(b) * ((1 - _elasticity(b)) / _safe(b) - 1),),
)
_log_modulator = differentiable(
    _log_modulator_value, (lambda b: _elasticity(b) / _safe(b),)
)


def _modulate(b: Array, gamma: Any) -> Array:
    if isinstance(gamma, Whole):
        return jax.lax.integer_pow(-jnp.expm1(-b), gamma.number)
    return jnp.exp(product(gamma, _log_modulator(b)))


def _cross_entropy(x: Array, y: Array, w: Array) -> Array:
    return bce.cross_entropy(x, y, w, None)


def _value(x: Array, y: Array, w: Array, gamma: Any) -> Array:
    b = _cross_entropy(x, y, w)
    return product(_modulate(b, gamma), b)


def _through_loss(partial: Callable[..., Array]) -> Callable[..., Array]:
    # One partial for the chain: its factors may be 0 and infinite at the limit.
    def chained(x: Array, y: Array, w: Array, gamma: Any) -> Array:
        b = _cross_entropy(x, y, w)
        slope = _modulate(b, gamma) * (1 + factor(gamma) * _elasticity(b))
        return product(slope, partial(x, y, w, None))

    return chained


def _d_gamma(x: Array, y: Array, w: Array, gamma: Any) -> Array:
    log_modulator = _log_modulator(_cross_entropy(x, y, w))
    return product(_value(x, y, w, gamma), log_modulator)


_weighted_loss = differentiable(
    _value, (*(_through_loss(partial) for partial in bce.PARTIALS[:3]), _d_gamma)
)
