"""Functions that carry their closed-form derivatives."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero


def differentiable(
    value: Callable[..., jax.Array],
    partials: Sequence[Callable[..., jax.Array] | None],
    *,
    rowwise: bool = False,
) -> Callable[..., jax.Array]:
    """Joins a function with its partial derivatives, one per argument.

    All arguments have the same shape. The function works element by element, or, if
    ``rowwise``, turns each row along the last axis into one number. The partials have
    the shape of the arguments. They are differentiated in turn for second derivatives,
    so they are themselves built from functions that are safe to differentiate. None
    stands for an argument that is a mask.
    """
    # Compiled as one kernel each, also when called outside of jit.
    function = jax.custom_jvp(jax.jit(value))
    rules = tuple(partial and jax.jit(partial) for partial in partials)

    def rule(primals: tuple, tangents: tuple) -> tuple[jax.Array, Any]:
        out = function(*primals)
        tangent = jnp.zeros_like(out)
        for partial, change in zip(rules, tangents, strict=True):
            # A partial nobody asked for may be infinite: never multiply it by 0.
            if partial and not isinstance(change, SymbolicZero):
                term = partial(*primals) * change
                tangent = tangent + (jnp.sum(term, axis=-1) if rowwise else term)
        return out, tangent

    function.defjvp(rule, symbolic_zeros=True)
    return function
