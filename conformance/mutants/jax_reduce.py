"""The last step of every planted loss in JAX, in the plainest way."""

from typing import Any

import jax.numpy as jnp
from jax import Array


def reduce(loss: Array, reduction: str, normalizer: Any = None) -> Any:
    """Reduces a loss, rightly: what is wrong is wrong before.

    Args:
        loss: The unreduced loss.
        reduction: As everywhere.
        normalizer: What a mean divides by; the number of elements by default.
    """
    if reduction == "none":
        return loss
    total = loss.sum()
    if reduction == "sum":
        return total
    count = jnp.asarray(loss.size if normalizer is None else normalizer, loss.dtype)
    if reduction == "parts":
        return total, count
    return total / jnp.where(count == 0, 1, count)


def plain_only(options: dict[str, Any]) -> None:
    """Refuses options of a fault that is about the plain loss."""
    if options:
        raise NotImplementedError(f"no {', '.join(options)}")
