"""The two sides of a label: what counts as positive and what as negative."""

import jax.numpy as jnp
from jax import Array

from jax_impl._differentiable import differentiable
from jax_impl._stable import cosigmoid, sigmoid, softplus, softplus_rest


def _weigh(x: Array, on: Array, off: Array) -> Array:
    loss = off * jnp.maximum(x, 0) - on * jnp.minimum(x, 0)
    # A side that is off stays off at an infinite logit; the other term has the NaN.
    return jnp.where(jnp.isnan(loss), 0, loss) + (on + off) * softplus_rest(x)


def tilt(x: Array, on: Array, off: Array) -> Array:
    """Returns off * sigmoid(x) - on * sigmoid(-x), the slope of ``weigh``."""
    return off * sigmoid(x) - on * cosigmoid(x)


# on * softplus(-x) + off * softplus(x), the cross-entropy of two sides.
weigh = differentiable(
    _weigh,
    (tilt, lambda x, _on, _off: softplus(-x), lambda x, _on, _off: softplus(x)),
)
