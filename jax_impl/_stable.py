"""Elementary functions without overflow or cancellation; see ``refimpl._stable``."""

import jax
import jax.numpy as jnp

from jax_impl._differentiable import differentiable


def _softplus(v: jax.Array) -> jax.Array:
    return jnp.maximum(v, 0) + jnp.log1p(jnp.exp(-jnp.abs(v)))


def _sigmoid(v: jax.Array) -> jax.Array:
    z = jnp.exp(-jnp.abs(v))
    return jnp.where(v >= 0, 1, z) / (1 + z)


def _softplus_ratio(v: jax.Array) -> jax.Array:
    # Where sigmoid(v) underflows, z / z must still be 1: no subnormal z.
    z = jnp.maximum(jnp.exp(-jnp.abs(v)), 1e-30)
    return jnp.where(v >= 0, _softplus(v), jnp.log1p(z) / z) * (1 + z)


sigmoid = differentiable(_sigmoid, (lambda v: sigmoid(v) * sigmoid(-v),))
softplus = differentiable(_softplus, (lambda v: sigmoid(v),))
softplus_ratio = differentiable(
    _softplus_ratio, (lambda v: 1 - sigmoid(-v) * softplus_ratio(v),)
)


@jax.jit
def product(a: jax.Array, b: jax.Array) -> jax.Array:
    """Returns a * b with 0 * inf = 0: a term that is off stays off at the limit."""
    return a * jnp.where((a == 0) & jnp.isinf(b), 0, b)


def _log_complement(p: jax.Array) -> jax.Array:
    # On a CPU XLA's log1p is wrong by up to 240 roundings near -0.4 in float64.
    return jnp.where(p < 0.3, jnp.log1p(-p), jnp.log(1 - p))


# log(1 - p) for p in [0, 1].
log_complement = differentiable(_log_complement, (lambda p: -1 / (1 - p),))
