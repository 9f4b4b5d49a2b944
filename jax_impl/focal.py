"""Focal loss on independent logits."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._inputs import binary_inputs, hyperparameter
from jax_impl._miss import d_log_q, log_q, negative_share, positive_share
from jax_impl._reduce import reduce
from jax_impl._stable import product, sigmoid, softplus, softplus_ratio
from refimpl._validate import REDUCTIONS, check_choice

# Stands for an infinite logit; its products are still finite in float32.
_HUGE = 1e30


def sigmoid_focal_loss(
    logits: ArrayLike,
    labels: ArrayLike,
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
    gamma = jnp.broadcast_to(hyperparameter("gamma", gamma, like=x), x.shape)
    loss = focal(x, y, w, gamma, *alphas(alpha, x))
    return reduce(product(v, loss), x.size, reduction)


def alphas(alpha: Any, x: Array) -> tuple[Array, Array]:
    """Returns the weights of the positive and the negative class; None is off."""
    if alpha is None:
        return jnp.ones_like(x), jnp.ones_like(x)
    alpha = jnp.broadcast_to(hyperparameter("alpha", alpha, like=x, high=1), x.shape)
    return alpha, 1 - alpha


def _alpha_t(y: Array, on: Array, off: Array) -> Array:
    return y * on + (1 - y) * off


def _cross_entropy(x: Array, y: Array, w: Array) -> Array:
    return product(w * y, softplus(-x)) + product(1 - y, softplus(x))


def _modulator(x: Array, y: Array, gamma: Array) -> Array:
    return jnp.exp(product(gamma, log_q(x, y)))


def _focused(x: Array, y: Array, w: Array, gamma: Array) -> Array:
    return product(_modulator(x, y, gamma), _cross_entropy(x, y, w))


def _value(x: Array, y: Array, w: Array, gamma: Array, on: Array, off: Array) -> Array:
    return product(_alpha_t(y, on, off), _focused(x, y, w, gamma))


def _d_logits(
    x: Array, y: Array, w: Array, gamma: Array, on: Array, off: Array
) -> Array:
    d_cross_entropy = (1 - y) * sigmoid(x) - w * y * sigmoid(-x)
    focusing = gamma * product(d_log_q(x, y), _cross_entropy(x, y, w))
    slope = _modulator(x, y, gamma) * (focusing + d_cross_entropy)
    return _alpha_t(y, on, off) * slope


def _d_labels(
    x: Array, y: Array, w: Array, gamma: Array, on: Array, off: Array
) -> Array:
    # Terms of opposite sign meet at an infinite logit: the limit is that of a huge one.
    huge = jnp.where(jnp.isinf(x), jnp.inf, 1)
    x = jnp.clip(x, -_HUGE, _HUGE)
    # Cross-entropy / q stays finite where both vanish, so 1 / q is never formed.
    ratio = w * positive_share(x, y) * softplus_ratio(-x)
    ratio = ratio + negative_share(x, y) * softplus_ratio(x)
    focusing = gamma * (sigmoid(-x) - sigmoid(x)) * ratio
    slope = _alpha_t(y, on, off) * (focusing + w * softplus(-x) - softplus(x))
    slope = slope + (on - off) * _cross_entropy(x, y, w)
    return product(_modulator(x, y, gamma) * slope, huge)


def _d_pos_weight(
    x: Array, y: Array, _w: Array, gamma: Array, on: Array, off: Array
) -> Array:
    weight = _alpha_t(y, on, off) * _modulator(x, y, gamma)
    return product(weight, product(y, softplus(-x)))


def _d_gamma(
    x: Array, y: Array, w: Array, gamma: Array, on: Array, off: Array
) -> Array:
    return product(_value(x, y, w, gamma, on, off), log_q(x, y))


def _d_on(x: Array, y: Array, w: Array, gamma: Array, _on: Array, _off: Array) -> Array:
    return product(y, _focused(x, y, w, gamma))


def _d_off(
    x: Array, y: Array, w: Array, gamma: Array, _on: Array, _off: Array
) -> Array:
    return product(1 - y, _focused(x, y, w, gamma))


PARTIALS = (_d_logits, _d_labels, _d_pos_weight, _d_gamma, _d_on, _d_off)

focal = differentiable(_value, PARTIALS)
