"""The probability q = 1 - p_t of missing a label; see ``refimpl._miss``."""

import jax.numpy as jnp
from jax import Array

from jax_impl._differentiable import differentiable
from jax_impl._stable import cosigmoid, sigmoid, softplus


def _sides(x: Array) -> tuple[Array, Array]:
    """Returns sigmoid(x) and sigmoid(-x), large enough for a reciprocal."""
    tiny = jnp.finfo(x.dtype).tiny
    return jnp.maximum(sigmoid(x), tiny), jnp.maximum(cosigmoid(x), tiny)


def miss(x: Array, y: Array) -> Array:
    """Returns q, never below the smallest normal number."""
    p, n = _sides(x)
    return y * n + (1 - y) * p


def _log_q_value(x: Array, y: Array) -> Array:
    # A hard label has log q = -softplus(margin), also where q rounds to 1.
    hard = (y == 0) | (y == 1)
    log_q = jnp.log(jnp.where(hard, 1, miss(x, y)))
    return jnp.where(hard, -softplus(jnp.where(y == 1, x, -x)), log_q)


def _d_log_q_value(x: Array, y: Array) -> Array:
    return (1 - 2 * y) * sigmoid(x) * cosigmoid(x) * (1 / miss(x, y))


def _share_to_logits(x: Array, y: Array) -> Array:
    return positive_share(x, y) * negative_share(x, y)


def _share_to_labels(x: Array, y: Array) -> Array:
    p, n = _sides(x)
    inverse = 1 / miss(x, y)
    return (p * inverse) * (n * inverse)


def _positive_share(x: Array, y: Array) -> Array:
    _, n = _sides(x)
    return y * n * (1 / miss(x, y))


def _negative_share(x: Array, y: Array) -> Array:
    p, _ = _sides(x)
    return (1 - y) * p * (1 / miss(x, y))


# The slope of log q by the logit.
d_log_q = differentiable(
    _d_log_q_value,
    (
        lambda x, y: _share_to_logits(x, y) - sigmoid(x) * cosigmoid(x),
        lambda x, y: -_share_to_labels(x, y),
    ),
)
# log q, accurate where q underflows and where it rounds to 1.
log_q = differentiable(
    _log_q_value,
    (d_log_q, lambda x, y: (cosigmoid(x) - sigmoid(x)) * (1 / miss(x, y))),
)
# The shares of the positive and of the negative term in q.
positive_share = differentiable(
    _positive_share, (lambda x, y: -_share_to_logits(x, y), _share_to_labels)
)
negative_share = differentiable(
    _negative_share, (_share_to_logits, lambda x, y: -_share_to_labels(x, y))
)
