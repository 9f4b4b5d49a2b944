"""Focal loss on independent logits."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._inputs import binary_inputs, hyperparameter
from jax_impl._reduce import reduce
from jax_impl._stable import product, sigmoid, softplus, softplus_ratio
from refimpl._validate import REDUCTIONS, check_choice

# exp of this is finite in float32, so that a slope times 0 is 0 and not NaN.
_MAX_EXPONENT = 80.0


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
    gamma = hyperparameter("gamma", gamma, like=x)
    loss = focal(x, y, w, jnp.broadcast_to(gamma, x.shape))
    return reduce(product(v * _alpha_t(y, alpha), loss), x.size, reduction)


def _alpha_t(y: jax.Array, alpha: Any) -> jax.Array:
    if alpha is None:
        return jnp.ones_like(y)
    alpha = hyperparameter("alpha", alpha, like=y, high=1)
    return y * alpha + (1 - y) * (1 - alpha)


def _cross_entropy(x: jax.Array, y: jax.Array, w: jax.Array) -> jax.Array:
    return product(w * y, softplus(-x)) + product(1 - y, softplus(x))


def _log_q_value(x: jax.Array, y: jax.Array) -> jax.Array:
    # A hard label has log q = -softplus(margin), where q itself underflows.
    hard = (y == 0) | (y == 1)
    q = y * sigmoid(-x) + (1 - y) * sigmoid(x)
    log_q = jnp.log(jnp.where(hard, 1, q))
    return jnp.where(hard, -softplus(jnp.where(y == 1, x, -x)), log_q)


def _share_value(x: jax.Array, y: jax.Array) -> jax.Array:
    # y sigmoid(-x) / q, the share of the positive term in q; 1 or 0 if y is hard.
    # The share of the negative term is _share(-x, 1 - y): 1 - share would cancel.
    hard = (y == 0) | (y == 1)
    soft = jnp.where(hard, 0.5, y)
    return jnp.where(hard, y, sigmoid(jnp.log(soft) - jnp.log1p(-soft) - x))


def _power_of_q(x: jax.Array, y: jax.Array, exponent: float) -> jax.Array:
    return jnp.exp(jnp.minimum(exponent * _log_q(x, y), _MAX_EXPONENT))


def _d_log_q(x: jax.Array, y: jax.Array) -> jax.Array:
    return _share(-x, 1 - y) * sigmoid(-x) - _share(x, y) * sigmoid(x)


_log_q = differentiable(
    _log_q_value,
    (_d_log_q, lambda x, y: (sigmoid(-x) - sigmoid(x)) * _power_of_q(x, y, -1)),
)
_share = differentiable(
    _share_value,
    (
        lambda x, y: -_share(x, y) * _share(-x, 1 - y),
        lambda x, y: sigmoid(x) * sigmoid(-x) * _power_of_q(x, y, -2),
    ),
)


def _modulator(x: jax.Array, y: jax.Array, gamma: jax.Array) -> jax.Array:
    return jnp.exp(product(gamma, _log_q(x, y)))


def _value(x: jax.Array, y: jax.Array, w: jax.Array, gamma: jax.Array) -> jax.Array:
    return product(_modulator(x, y, gamma), _cross_entropy(x, y, w))


def _d_logits(x: jax.Array, y: jax.Array, w: jax.Array, gamma: jax.Array) -> jax.Array:
    d_cross_entropy = (1 - y) * sigmoid(x) - w * y * sigmoid(-x)
    focusing = gamma * product(_d_log_q(x, y), _cross_entropy(x, y, w))
    return _modulator(x, y, gamma) * (focusing + d_cross_entropy)


def _d_labels(x: jax.Array, y: jax.Array, w: jax.Array, gamma: jax.Array) -> jax.Array:
    # Cross-entropy / q stays finite where both vanish, so 1 / q is never formed.
    ratio = product(w * _share(x, y), softplus_ratio(-x))
    ratio = ratio + product(_share(-x, 1 - y), softplus_ratio(x))
    focusing = product(gamma * (sigmoid(-x) - sigmoid(x)), ratio)
    d_cross_entropy = product(w, softplus(-x)) - softplus(x)
    return product(_modulator(x, y, gamma), focusing + d_cross_entropy)


def _d_pos_weight(
    x: jax.Array, y: jax.Array, _w: jax.Array, gamma: jax.Array
) -> jax.Array:
    return product(_modulator(x, y, gamma), product(y, softplus(-x)))


def _d_gamma(x: jax.Array, y: jax.Array, w: jax.Array, gamma: jax.Array) -> jax.Array:
    return product(_value(x, y, w, gamma), _log_q(x, y))


focal = differentiable(_value, (_d_logits, _d_labels, _d_pos_weight, _d_gamma))
