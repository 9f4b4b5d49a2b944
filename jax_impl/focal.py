"""Focal loss on independent logits."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._inputs import binary_inputs, hyperparameter
from jax_impl._reduce import reduce
from jax_impl._stable import (
    log_complement,
    product,
    sigmoid,
    softplus,
    softplus_ratio,
)
from refimpl._validate import REDUCTIONS, check_choice

# exp of this is finite in float32, so that a slope times 0 is 0 and not NaN.
_MAX_EXPONENT = 80.0
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


def _log_q_value(x: Array, y: Array) -> Array:
    # A hard label has log q = -softplus(margin), where q itself underflows.
    hard = (y == 0) | (y == 1)
    q = y * sigmoid(-x) + (1 - y) * sigmoid(x)
    log_q = jnp.log(jnp.where(hard, 1, q))
    return jnp.where(hard, -softplus(jnp.where(y == 1, x, -x)), log_q)


def _share_logit(x: Array, y: Array) -> Array:
    # Logit of y sigmoid(-x) / q, the share of the positive term in q.
    soft = jnp.where((y == 0) | (y == 1), 0.5, y)
    logit = jnp.log(soft) - log_complement(soft) - x
    return jnp.where(y == 1, jnp.inf, jnp.where(y == 0, -jnp.inf, logit))


def _power_of_q(x: Array, y: Array, exponent: float) -> Array:
    return jnp.exp(jnp.minimum(exponent * _log_q(x, y), _MAX_EXPONENT))


def _d_log_q(x: Array, y: Array) -> Array:
    return _negative_share(x, y) * sigmoid(-x) - _positive_share(x, y) * sigmoid(x)


def _share_to_logits(x: Array, y: Array) -> Array:
    return _positive_share(x, y) * _negative_share(x, y)


def _share_to_labels(x: Array, y: Array) -> Array:
    return sigmoid(x) * sigmoid(-x) * _power_of_q(x, y, -2)


_log_q = differentiable(
    _log_q_value,
    (_d_log_q, lambda x, y: (sigmoid(-x) - sigmoid(x)) * _power_of_q(x, y, -1)),
)
_positive_share = differentiable(
    lambda x, y: sigmoid(_share_logit(x, y)),
    (lambda x, y: -_share_to_logits(x, y), _share_to_labels),
)
_negative_share = differentiable(
    lambda x, y: sigmoid(-_share_logit(x, y)),
    (_share_to_logits, lambda x, y: -_share_to_labels(x, y)),
)


def _modulator(x: Array, y: Array, gamma: Array) -> Array:
    return jnp.exp(product(gamma, _log_q(x, y)))


def _focused(x: Array, y: Array, w: Array, gamma: Array) -> Array:
    return product(_modulator(x, y, gamma), _cross_entropy(x, y, w))


def _value(x: Array, y: Array, w: Array, gamma: Array, on: Array, off: Array) -> Array:
    return product(_alpha_t(y, on, off), _focused(x, y, w, gamma))


def _d_logits(
    x: Array, y: Array, w: Array, gamma: Array, on: Array, off: Array
) -> Array:
    d_cross_entropy = (1 - y) * sigmoid(x) - w * y * sigmoid(-x)
    focusing = gamma * product(_d_log_q(x, y), _cross_entropy(x, y, w))
    slope = _modulator(x, y, gamma) * (focusing + d_cross_entropy)
    return _alpha_t(y, on, off) * slope


def _d_labels(
    x: Array, y: Array, w: Array, gamma: Array, on: Array, off: Array
) -> Array:
    # Terms of opposite sign meet at an infinite logit: the limit is that of a huge one.
    huge = jnp.where(jnp.isinf(x), jnp.inf, 1)
    x = jnp.clip(x, -_HUGE, _HUGE)
    # Cross-entropy / q stays finite where both vanish, so 1 / q is never formed.
    ratio = w * _positive_share(x, y) * softplus_ratio(-x)
    ratio = ratio + _negative_share(x, y) * softplus_ratio(x)
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
    return product(_value(x, y, w, gamma, on, off), _log_q(x, y))


def _d_on(x: Array, y: Array, w: Array, gamma: Array, _on: Array, _off: Array) -> Array:
    return product(y, _focused(x, y, w, gamma))


def _d_off(
    x: Array, y: Array, w: Array, gamma: Array, _on: Array, _off: Array
) -> Array:
    return product(1 - y, _focused(x, y, w, gamma))


PARTIALS = (_d_logits, _d_labels, _d_pos_weight, _d_gamma, _d_on, _d_off)

focal = differentiable(_value, PARTIALS)
