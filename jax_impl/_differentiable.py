"""Functions that carry their closed-form derivatives."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

Partial = Callable[..., jax.Array]


def differentiable(
    value: Partial, partials: Sequence[Partial | None], *, rowwise: bool = False
) -> Partial:
    """Joins a function with its partial derivatives, one per argument.

    Arguments broadcast to the shape of the first, or are constants without arrays, such
    as None. The function works element by element, or, if ``rowwise``, turns each row
    along the last axis into one number. The partials have the shape of the first
    argument. They are differentiated in turn for second derivatives, so they are
    themselves built from functions that are safe to differentiate. None stands for an
    argument that is a mask.
    """
    # Compiled as one kernel each, also when called outside of jit.
    function = jax.custom_jvp(jax.jit(value))
    # What rows are made of is worth the way to memory.
    alone = (lambda partial: partial) if rowwise else _alone
    rules = tuple(partial and jax.jit(alone(partial)) for partial in partials)

    def rule(primals: tuple, tangents: tuple) -> tuple[jax.Array, Any]:
        out = function(*primals)
        tangent = jnp.zeros_like(out)
        for partial, change in zip(rules, tangents, strict=True):
            # A partial nobody asked for may be infinite: never multiply it by 0.
            if partial and _varies(change):
                term = partial(*primals) * change
                tangent = tangent + (jnp.sum(term, axis=-1) if rowwise else term)
        return out, tangent

    function.defjvp(rule, symbolic_zeros=True)
    return function


def _alone(partial: Partial) -> Partial:
    """Keeps a CPU from computing what a slope shares with the value only once.

    A second exponential is cheap; an array that goes to memory and back is not.
    """
    return lambda *args: partial(*jax.tree.map(_apart, args))


@jax.custom_jvp
def _apart(array: jax.Array) -> jax.Array:
    return jax.lax.optimization_barrier(array)


def _d_apart(primals: tuple, tangents: tuple) -> tuple[Any, Any]:
    # The barrier's own rule makes zeros of changes that nobody asked for.
    return _apart(*primals), tangents[0]


_apart.defjvp(_d_apart, symbolic_zeros=True)


def _varies(change: Any) -> bool:
    leaves = jax.tree.leaves(change)
    return bool(leaves) and not isinstance(leaves[0], SymbolicZero)
