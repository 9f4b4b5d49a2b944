"""Checks and conversions at the door of every loss; see ``refimpl._inputs``."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jax_impl._reduce import along_class_axis
from refimpl import _validate


class BinaryInputs(NamedTuple):
    """Arguments of a binary loss, all in the dtype and shape of computation."""

    logits: jax.Array
    labels: jax.Array
    pos_weight: jax.Array
    sample_weight: jax.Array


def binary_inputs(
    logits: Any,
    labels: Any,
    *,
    pos_weight: Any = None,
    sample_weight: Any = None,
    class_axis: int = -1,
) -> BinaryInputs:
    """Validates and converts; a weight that is off becomes 1, a bad value NaN."""
    _validate.check_pair(logits, labels)
    shape = tuple(logits.shape)
    _validate.check_class_weight("pos_weight", pos_weight, shape, class_axis)
    _validate.check_sample_weight(sample_weight, shape)
    x = _logits(logits)
    w = in_range(1 if pos_weight is None else pos_weight, like=x)
    v = in_range(1 if sample_weight is None else sample_weight, like=x)
    return BinaryInputs(
        x,
        in_range(labels, like=x, high=1),
        jnp.broadcast_to(along_class_axis(w, x.ndim, class_axis), shape),
        v,
    )


def hyperparameter(
    name: str,
    value: Any,
    *,
    like: jax.Array,
    high: float = float("inf"),
    closed: bool = True,
) -> jax.Array:
    """Validates a scalar; a traced one out of range becomes NaN."""
    _validate.check_number(name, value, high=high, closed=closed)
    return in_range(value, like=like, high=high, closed=closed)


def in_range(
    value: Any, *, like: jax.Array, high: float = float("inf"), closed: bool = True
) -> jax.Array:
    """Converts to the dtype of ``like``; values outside [0, high] become NaN."""
    # A Python int has no place in int32 where it is large.
    dtype = like.dtype if _validate.is_number(value) else None
    array = jnp.asarray(value, dtype=dtype)
    bounded = closed and high < float("inf")
    return _checked(array, dtype=like.dtype, high=high, closed=bounded)


@partial(jax.jit, static_argnames=("dtype", "high", "closed"))
def _checked(
    array: jax.Array, *, dtype: jnp.dtype, high: float, closed: bool
) -> jax.Array:
    array = array.astype(dtype)
    inside = (array >= 0) & ((array <= high) if closed else (array < high))
    # A product, so that the derivative with respect to a bad value is NaN as well.
    return array * jnp.where(inside, 1, jnp.nan)


def _logits(logits: Any) -> jax.Array:
    x = jnp.asarray(logits)
    if x.dtype.itemsize < 4:
        return x.astype(jnp.float32)
    if _validate.dtype_name(x) != _validate.dtype_name(logits):
        raise ValueError(
            "logits are float64 but JAX computes in float32: set jax_enable_x64, or "
            "pass float32."
        )
    return x
