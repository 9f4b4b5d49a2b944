"""Work in blocks: what a CPU is to have in memory, and not to compute once more."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

# Elements of a block, which several threads share; fewer than these are no trouble.
_BLOCK, _FEW = 1 << 19, 4096


def in_memory(function: Callable[..., Array], *args: Any) -> Array:
    """Applies a function of elements; arguments unlike the last are the same for all.

    XLA computes on a CPU, again for each element, whatever a result is made of that is
    used twice or looked up. What goes into a loop, or comes out of it, is in memory.
    """
    if args[-1].size <= _FEW:
        return function(*args)
    return jax.lax.platform_dependent(
        *args, cpu=lambda *args: _in_blocks(function, args), default=function
    )


def _in_blocks(function: Callable[..., Array], args: tuple[Any, ...]) -> Array:
    shape, size = args[-1].shape, args[-1].size
    count = max(2, -(-size // _BLOCK))
    whole = size // count * count
    elements = {i: a.reshape(-1) for i, a in enumerate(args) if a.shape == shape}

    def on(cut: dict[int, Array]) -> Array:
        return function(*(cut.get(i, arg) for i, arg in enumerate(args)))

    blocks = {i: a[:whole].reshape(count, -1) for i, a in elements.items()}
    found = jax.lax.map(on, blocks).reshape(-1)
    if whole < size:
        rest = on({i: a[whole:] for i, a in elements.items()})
        found = jnp.concatenate([found, rest])
    return found.reshape(shape)
