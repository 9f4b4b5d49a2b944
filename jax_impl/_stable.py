"""Elementary functions without overflow or cancellation; see ``refimpl._stable``."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.custom_derivatives import SymbolicZero

from jax_impl._differentiable import differentiable


def log1p(z: Array) -> Array:
    """Returns log(1 + z) for z in [0, 1]."""
    # XLA's own costs a CPU more than all the rest of a loss, and the corrections of
    # log(1 + z) are simplified away. So 2 artanh(s), without its leading 2 s, which is
    # z - s z. Not z / (2 + z): XLA computes a quotient of two arrays on its own.
    s = z * (1 / (2 + z))
    square = s * s
    first, *rest = reversed(_artanh(z.dtype))
    tail = jnp.asarray(first, z.dtype)
    for coefficient in rest:
        tail = tail * square + coefficient
    return z - s * (z - square * tail)


def _artanh(dtype: Any) -> list[float]:
    """Returns what multiplies s^2, s^4 ... in 2 artanh(s) / s, for s up to 1/3."""
    coefficients, order = [], 1
    while 9.0**-order / (2 * order + 1) > jnp.finfo(dtype).eps / 8:
        coefficients.append(2 / (2 * order + 1))
        order += 1
    return coefficients


def softplus_rest(v: Array) -> Array:
    """Returns softplus(v) - max(v, 0), which is log1p(exp(-abs(v)))."""
    return log1p(jnp.exp(-jnp.abs(v)))


def _sigmoid(v: Array) -> Array:
    z = jnp.exp(-jnp.abs(v))
    return jnp.where(v >= 0, 1, z) * (1 / (1 + z))


def _cosigmoid(v: Array) -> Array:
    # XLA does not see that -v has the same magnitude, and so the same exponential.
    z = jnp.exp(-jnp.abs(v))
    return jnp.where(v >= 0, z, 1) * (1 / (1 + z))


def _softplus_ratio(v: Array) -> Array:
    # Where sigmoid(v) underflows, z / z must still be 1: no subnormal z.
    z = jnp.maximum(jnp.exp(-jnp.abs(v)), 1e-30)
    return jnp.where(v >= 0, softplus(v), log1p(z) / z) * (1 + z)


sigmoid = differentiable(_sigmoid, (lambda v: sigmoid(v) * cosigmoid(v),))
# sigmoid(-v)
cosigmoid = differentiable(_cosigmoid, (lambda v: -sigmoid(v) * cosigmoid(v),))
softplus = differentiable(
    lambda v: jnp.maximum(v, 0) + softplus_rest(v), (lambda v: sigmoid(v),)
)
softplus_ratio = differentiable(
    _softplus_ratio, (lambda v: 1 - cosigmoid(v) * softplus_ratio(v),)
)


@jax.custom_jvp
@jax.jit
def product(a: Array, b: Array) -> Array:
    """Returns a * b with 0 * inf = 0: a term that is off stays off at the limit."""
    return a * _met_by(a, b)


def _met_by(a: Array, b: Array) -> Array:
    return jnp.where((a == 0) & jnp.isinf(b), 0, b)


def _d_product(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    # Where only b varies, nothing of it is kept.
    (a, b), (change_a, change_b) = primals, tangents
    out = product(a, b)
    tangent = jnp.zeros_like(out)
    if not isinstance(change_b, SymbolicZero):
        tangent = a * change_b
    if not isinstance(change_a, SymbolicZero):
        tangent = tangent + change_a * _met_by(a, b)
    return out, tangent


product.defjvp(_d_product, symbolic_zeros=True)


def _log_complement(p: Array) -> Array:
    # On a CPU XLA's log1p is wrong by up to 240 roundings near -0.4 in float64.
    return jnp.where(p < 0.3, jnp.log1p(-p), jnp.log(1 - p))


# log(1 - p) for p in [0, 1].
log_complement = differentiable(_log_complement, (lambda p: -1 / (1 - p),))
