"""The losses in JAX, under ``vmap``, ``grad`` and ``lax.scan``; see ``_numpy``.

Printed losses carry the gradients of ``_numpy``: autodiff would differ where they
saturate.
"""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array

import jax_impl
from conformance.training.losses._calls import packaged
from conformance.training.recipe import Mining
from jax_impl._differentiable import differentiable


def find(name: str) -> Callable[..., tuple[Array, Any]]:
    """Returns ``loss(logits, labels, state, **options) -> (values, state)``."""
    return _PRINTED[name] if name in _PRINTED else packaged(jax_impl, name)


def boost(values: Array, mining: Mining) -> Array:
    """Returns what each value is multiplied by, a constant for the gradient."""
    examples = values.reshape(len(values), -1)
    chosen, mask = jax_impl.hard_example_mining(
        examples.mean(axis=1), fraction=mining.fraction
    )
    bonus = mining.factor * len(values) / len(chosen)
    return 1 + bonus * mask.reshape(-1, *(1,) * (values.ndim - 1))


def _probability(x: Array) -> Array:
    z = jnp.exp(-jnp.abs(x))
    return jnp.where(x >= 0, 1, z) / (1 + z)


def _cross_entropy(x: Array, y: Array) -> Array:
    return jax_impl.binary_cross_entropy(_probability(x), y, reduction="none")


def _d_cross_entropy(x: Array, y: Array) -> Array:
    p = _probability(x)
    spread = p * (1 - p)
    return (p - y) / jnp.maximum(spread, 1e-12) * spread


def _shifted(x: Array, y: Array, eps: float) -> Array:
    p = _probability(x)
    return -jnp.log(jnp.where(y == 1, p, 1 - p) + eps)


def _d_shifted(x: Array, y: Array, eps: float) -> Array:
    p = _probability(x)
    slope = p * (1 - p) / (jnp.where(y == 1, p, 1 - p) + eps)
    return jnp.where(y == 1, -slope, slope)


_of_p = differentiable(_cross_entropy, (_d_cross_entropy, None))
_of_shifted_p = differentiable(_shifted, (_d_shifted, None, None))


def _of_probabilities(x: Array, y: Array, state: Any) -> tuple[Array, Any]:
    return _of_p(x, y), state


def _of_shifted_probabilities(
    x: Array, y: Array, state: Any, *, eps: float = 1e-7
) -> tuple[Array, Any]:
    return _of_shifted_p(x, y, eps), state


def _ghmc_as_printed(
    x: Array, y: Array, state: Any, *, bins: int = 10, momentum: float = 0.75
) -> tuple[Array, Any]:
    (counts,) = state
    edges = jnp.arange(bins + 1, dtype=x.dtype) / bins
    # Compared only, so that weights are constants for the gradient.
    norm = jnp.abs(_probability(x) - y)[..., None]
    inside = ((norm >= edges[:-1]) & (norm < edges[1:])).reshape(-1, bins)
    found = inside.sum(axis=0)
    average = momentum * counts + (1 - momentum) * found
    counts = jnp.where(found > 0, average, counts)
    per_bin = jnp.where(found > 0, x.size / jnp.where(found > 0, counts, 1), 0)
    weights = (inside * per_bin).sum(axis=1).reshape(x.shape)
    values = jax_impl.binary_cross_entropy_with_logits(x, y, reduction="none")
    return weights * values, (counts,)


_PRINTED = {
    "bce_of_probabilities": _of_probabilities,
    "bce_of_shifted_probabilities": _of_shifted_probabilities,
    "ghmc_as_printed": _ghmc_as_printed,
}
