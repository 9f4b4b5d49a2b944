"""Reductions: the last step of every loss; see ``refimpl._reduce``."""

from typing import Any

import jax
import jax.numpy as jnp


def reduce(loss: jax.Array, normalizer: Any, reduction: str) -> Any:
    """Reduces ``loss``; ``normalizer`` is what ``"mean"`` divides the total by."""
    if reduction == "none":
        return loss
    total = jnp.sum(loss)
    if reduction == "sum":
        return total
    normalizer = jnp.asarray(normalizer, dtype=loss.dtype)
    if reduction == "parts":
        return total, normalizer
    return _mean(total, normalizer)


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
