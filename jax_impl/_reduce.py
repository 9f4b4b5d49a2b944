"""Reductions: the last step of every loss; see ``refimpl._reduce``."""

from typing import Any

import jax
import jax.numpy as jnp

# How many terms a CPU adds up at a time, and how few it adds up in one go.
_ROW, _FEW = 64, 4096


def reduce(loss: jax.Array, normalizer: Any, reduction: str) -> Any:
    """Reduces a loss; ``normalizer`` is what ``"mean"`` divides the total by."""
    if reduction == "none":
        return loss
    total = sum_all(loss)
    if reduction == "sum":
        return total
    normalizer = jnp.asarray(normalizer, dtype=loss.dtype)
    if reduction == "parts":
        return total, normalizer
    return _mean(total, normalizer)


@jax.custom_jvp
@jax.jit
def sum_all(terms: jax.Array) -> jax.Array:
    """Returns the sum of all elements, at the speed of memory also on a CPU."""
    if terms.size <= _FEW:
        return jnp.sum(terms)
    return jax.lax.platform_dependent(terms, cpu=_sum_by_rows, default=jnp.sum)


@sum_all.defjvp
def _d_sum_all(primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    total, (change,) = sum_all(*primals), tangents
    if change.size <= _FEW:
        return total, jnp.sum(change)
    return total, jnp.sum(change) * _after(total)


@jax.jit
def _after(total: jax.Array) -> jax.Array:
    """Returns 1, which on a CPU is known no sooner than the total.

    A gradient that is scaled by it takes the memory where the terms have been.
    """

    def late(total: jax.Array) -> jax.Array:
        # Always 1, which is beyond the compiler.
        number = jnp.where(jnp.isnan(total), 0, total)
        return 1 - jnp.minimum(jnp.abs(number), 0)

    return jax.lax.platform_dependent(total, cpu=late, default=jnp.ones_like)


def _sum_by_rows(terms: jax.Array) -> jax.Array:
    # XLA would compute the terms one by one while it adds them up. A product of
    # matrices wants them in memory, computed several at a time.
    rest = terms.reshape(-1)
    while rest.size > _FEW:
        whole = rest.size // _ROW * _ROW
        rows, last = rest[:whole].reshape(-1, _ROW), rest[whole:]
        sums = jnp.matmul(rows, jnp.ones(_ROW, rest.dtype), precision="highest")
        rest = jnp.concatenate([sums, last]) if last.size else sums
    return jnp.sum(rest)


@jax.jit
def _mean(total: jax.Array, normalizer: jax.Array) -> jax.Array:
    # Nothing kept: the total is 0, and so is the mean.
    return total / jnp.where(normalizer == 0, 1, normalizer)


def along_class_axis(weight: jax.Array, ndim: int, class_axis: int) -> jax.Array:
    """Shapes (C,) so that it broadcasts along ``class_axis``; scalars pass."""
    if weight.ndim == 0:
        return weight
    shape = [1] * ndim
    shape[class_axis] = -1
    return weight.reshape(shape)
