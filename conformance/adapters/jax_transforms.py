"""What JAX can do with a function of named arrays: one entry per transform."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from conformance.adapters.protocol import Request

Arrays = dict[str, jax.Array]
Run = Callable[[Arrays], Arrays]
# Cotangent or tangent of the request; their values are traced like any other.
Direction = Any
Evaluate = Callable[[Arrays, Arrays, Direction], Arrays]


def eager(run: Run, request: Request) -> Evaluate:
    """Makes a function that pulls the cotangent back."""

    def evaluate(inputs: Arrays, arrays: Arrays, cotangent: Direction) -> Arrays:
        given = {**inputs, **arrays}
        if not request.gradients:
            return run(given)

        def value(wanted: Arrays) -> tuple[jax.Array, Arrays]:
            found = run({**given, **wanted})
            return found["value"], found

        wanted = {argument: given[argument] for argument in request.gradients}
        out, pull, found = jax.vjp(value, wanted, has_aux=True)
        weights = jnp.ones_like(out) if cotangent is None else cotangent
        (grads,) = pull(weights.astype(out.dtype))
        return {**found, **{f"grad_{k}": v for k, v in grads.items()}}

    return evaluate


def _vmap(run: Run, request: Request) -> Evaluate:
    shared = {f"grad_{argument}" for argument in request.arrays}
    rows = 0 if request.cotangent is not None else None
    batched = jax.vmap(eager(run, request), in_axes=(0, None, rows))

    def by_row(inputs: Arrays, arrays: Arrays, cotangent: Direction) -> Arrays:
        found = batched(inputs, arrays, cotangent)
        return {k: v.sum(0) if k in shared else v for k, v in found.items()}

    return by_row


def _checkpoint(run: Run, request: Request) -> Evaluate:
    return eager(jax.checkpoint(run), request)


def _jvp(run: Run, request: Request) -> Evaluate:
    name = request.positional[0]

    def evaluate(inputs: Arrays, arrays: Arrays, tangent: Direction) -> Arrays:
        def value(moved: jax.Array) -> tuple[jax.Array, Arrays]:
            found = run({**inputs, **arrays, name: moved})
            return found["value"], found

        _, slope, found = jax.jvp(value, (inputs[name],), (tangent,), has_aux=True)
        return {**found, "jvp": slope}

    return evaluate


def _hessian(run: Run, request: Request) -> Evaluate:
    # Forward over reverse, which is how jax.hessian does it.
    name = request.positional[0]

    def evaluate(inputs: Arrays, arrays: Arrays, tangent: Direction) -> Arrays:
        def total(moved: jax.Array) -> jax.Array:
            return run({**inputs, **arrays, name: moved})["value"].sum()

        _, product = jax.jvp(jax.grad(total), (inputs[name],), (tangent,))
        return {"hvp": product}

    return evaluate


TRANSFORMS: dict[str, Callable[[Run, Request], Evaluate]] = {
    "eager": eager,
    "jit": eager,
    "vmap": _vmap,
    "checkpoint": _checkpoint,
    "jvp": _jvp,
    "hessian": _hessian,
}
