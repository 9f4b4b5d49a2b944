"""What is done to gradients between the loss and the optimiser; see there in refimpl.

A collection of gradients is any pytree, an NNX state included. Names within it are
joined by dots: ``layers.0.kernel``.
"""

from collections import Counter
from functools import reduce
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.tree_util import GetAttrKey, keystr, tree_flatten_with_path

from jax_impl._inputs import computed
from refimpl import _validate_gradients as _door
from refimpl._validate_gradients import OPTAX_CLIP_EPS, TORCH_CLIP_EPS

__all__ = [
    "OPTAX_CLIP_EPS",
    "TORCH_CLIP_EPS",
    "check_finite",
    "clip_by_global_norm",
    "global_norm",
    "largest_gradients",
    "nonfinite",
]


def global_norm(gradients: Any, *, stack_axes: int = 0) -> jax.Array:
    """Computes :func:`refimpl.gradients.global_norm`."""
    named = _named(gradients, stack_axes)
    rows = [leaf.reshape(*leaf.shape[:stack_axes], -1) for leaf in _wide(named)]
    if not rows:
        return jnp.zeros((), jnp.float32)
    largest = reduce(jnp.maximum, (_largest(row, axis=-1) for row in rows))
    unit = _power_of_two(jax.lax.stop_gradient(largest))
    shrink = jnp.reciprocal(unit)[..., None]
    squares = [jnp.sum(jnp.square(row * shrink), axis=-1) for row in rows]
    return unit * jnp.sqrt(sum(squares[1:], squares[0]))


def clip_by_global_norm(
    gradients: Any, max_norm: Any, *, eps: Any, stack_axes: int = 0
) -> tuple[Any, jax.Array]:
    """Computes :func:`refimpl.gradients.clip_by_global_norm`."""
    _door.check_clipping(max_norm, eps)
    norm = global_norm(gradients, stack_axes=stack_axes)
    # A zero norm without eps gives infinity, and then 1.
    scale = jnp.minimum(max_norm / (norm + eps), 1)

    def scaled(leaf: Any) -> jax.Array:
        factor = scale.reshape(scale.shape + (1,) * (leaf.ndim - scale.ndim))
        return (leaf.astype(factor.dtype) * factor).astype(leaf.dtype)

    return jax.tree.map(scaled, gradients), norm


def nonfinite(gradients: Any) -> dict[str, jax.Array]:
    """Computes :func:`refimpl.gradients.nonfinite`."""
    named = _named(gradients)
    return _nonfinite(dict(zip(named, _wide(named), strict=True)))


def check_finite(gradients: Any) -> None:
    """Raises as :func:`refimpl.gradients.check_finite` does."""
    named = _named(gradients)
    if any(isinstance(leaf, Tracer) for leaf in named.values()):
        raise _door.needs_values()
    counts = jax.device_get(nonfinite(gradients))
    if any(counts.values()):
        bad = (
            (name, np.asarray(leaf).astype(np.float64))
            for name, leaf in named.items()
            if counts[name]
        )
        raise FloatingPointError(_door.nonfinite_message(bad, len(named)))


def largest_gradients(
    gradients: Any, *, per: str = "parameter"
) -> dict[str, jax.Array]:
    """Computes :func:`refimpl.gradients.largest_gradients`."""
    named = _named(gradients)
    largest = dict(zip(named, map(_largest, _wide(named)), strict=True))
    return {
        part: reduce(jnp.maximum, (largest[name] for name in names))
        for part, names in _door.parts(largest, per).items()
    }


def _named(gradients: Any, stack_axes: int = 0) -> dict[str, Any]:
    leaves, _ = tree_flatten_with_path(gradients)
    siblings = Counter(path[:-1] for path, _ in leaves)
    named = _door.by_name(
        (_name(path, alone=siblings[path[:-1]] == 1), leaf) for path, leaf in leaves
    )
    _door.check_gradients(named, stack_axes)
    return named


def _name(path: tuple[Any, ...], *, alone: bool) -> str:
    # An NNX variable keeps its array under this attribute, and nothing else.
    if alone and path[-1:] == (GetAttrKey("value"),):
        path = path[:-1]
    return keystr(path, simple=True, separator=".")


def _wide(named: dict[str, Any]) -> list[jax.Array]:
    return [computed(f"gradients[{name!r}]", leaf) for name, leaf in named.items()]


def _largest(leaf: jax.Array, axis: int | None = None) -> jax.Array:
    return jnp.max(jnp.abs(leaf), axis=axis, initial=0)


def _power_of_two(largest: jax.Array) -> jax.Array:
    """Returns the power of two at or below, itself and its inverse normal numbers."""
    tiny = float(jnp.finfo(largest.dtype).tiny)
    top = jnp.clip(largest, tiny, 1 / tiny)
    return top / (2 * jnp.frexp(top)[0])


@jax.jit
def _nonfinite(named: dict[str, jax.Array]) -> dict[str, jax.Array]:
    return {name: jnp.sum(~jnp.isfinite(leaf)) for name, leaf in named.items()}
