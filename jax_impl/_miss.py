"""The probability q = 1 - p_t of missing a label; see ``refimpl._miss``."""

import jax.numpy as jnp
from jax import Array

from jax_impl._differentiable import differentiable
from jax_impl._stable import log_complement, sigmoid, softplus

# exp of this is finite in float32, so that a slope times 0 is 0 and not NaN.
_MAX_EXPONENT = 80.0


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
    return jnp.exp(jnp.minimum(exponent * log_q(x, y), _MAX_EXPONENT))


def d_log_q(x: Array, y: Array) -> Array:
    """Returns the slope of log q by the logit."""
    return negative_share(x, y) * sigmoid(-x) - positive_share(x, y) * sigmoid(x)


def _share_to_logits(x: Array, y: Array) -> Array:
    return positive_share(x, y) * negative_share(x, y)


def _share_to_labels(x: Array, y: Array) -> Array:
    return sigmoid(x) * sigmoid(-x) * _power_of_q(x, y, -2)


# log q, accurate where q underflows.
log_q = differentiable(
    _log_q_value,
    (d_log_q, lambda x, y: (sigmoid(-x) - sigmoid(x)) * _power_of_q(x, y, -1)),
)
# The shares of the positive and of the negative term in q.
positive_share = differentiable(
    lambda x, y: sigmoid(_share_logit(x, y)),
    (lambda x, y: -_share_to_logits(x, y), _share_to_labels),
)
negative_share = differentiable(
    lambda x, y: sigmoid(-_share_logit(x, y)),
    (_share_to_logits, lambda x, y: -_share_to_labels(x, y)),
)
