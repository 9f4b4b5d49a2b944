"""Adaptive binary cross-entropy: a weighted loss with a focusing modulator."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._inputs import binary_inputs, hyperparameter
from jax_impl._reduce import reduce
from jax_impl._stable import product
from jax_impl.bce import cross_entropy
from jax_impl.focal import focal
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
    gamma = jnp.broadcast_to(hyperparameter("gamma", gamma, like=x), x.shape)
    if modulator == "probability":
        loss = focal(x, y, w, gamma)
    else:
        loss = _self_modulated(cross_entropy(x, y, w, jnp.zeros_like(x)), gamma)
    return reduce(loss, x.size, reduction)


def _log_modulator_value(b: jax.Array) -> jax.Array:
    return jnp.log(-jnp.expm1(-b))


def _elasticity_value(b: jax.Array) -> jax.Array:
    # d log(1 - exp(-b)) / d log b = b exp(-b) / (1 - exp(-b)), which is 1 at b = 0.
    p = -jnp.expm1(-b)
    return product(jnp.exp(-b), b) / jnp.where(b == 0, 1, p) + (b == 0)


def _safe(b: jax.Array) -> jax.Array:
    # Below this the derivatives are multiplied by a b that has all but vanished.
    return jnp.maximum(b, jnp.finfo(b.dtype).tiny)


_elasticity = differentiable(
    _elasticity_value,
    (lambda b: _elasticity(b) * ((1 - _elasticity(b)) / _safe(b) - 1),),
)
_log_modulator = differentiable(
    _log_modulator_value, (lambda b: _elasticity(b) / _safe(b),)
)


def _modulate(b: jax.Array, gamma: jax.Array) -> jax.Array:
    return jnp.exp(product(gamma, _log_modulator(b)))


def _value(b: jax.Array, gamma: jax.Array) -> jax.Array:
    return product(_modulate(b, gamma), b)


def _d_cross_entropy(b: jax.Array, gamma: jax.Array) -> jax.Array:
    return _modulate(b, gamma) * (1 + gamma * _elasticity(b))


def _d_gamma(b: jax.Array, gamma: jax.Array) -> jax.Array:
    return product(_value(b, gamma), _log_modulator(b))


_self_modulated = differentiable(_value, (_d_cross_entropy, _d_gamma))
