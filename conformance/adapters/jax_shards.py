"""Shards on several devices of one process.

Uneven ones are padded and meet by ``jax.shard_map``. Even ones are the business of the
compiler, which is given sharded arrays and a function that knows nothing of it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from conformance.adapters.crew import MAX_SHARDS, Answer
from conformance.adapters.functions import bind
from conformance.adapters.jax_runtime import array_of, outputs_of
from conformance.adapters.protocol import Array, Outputs, Request
from conformance.adapters.shards import split, with_reduced_counts

AXIS = "data"
SHARDED, SHARED = PartitionSpec(AXIS), PartitionSpec()


def worker(_rank: int, _size: int, _folder: Path) -> Answer:
    """Makes devices of the processor; returns what evaluates shards on them."""
    # Before JAX looks for devices, which a program can do only once.
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_num_cpu_devices", MAX_SHARDS)
    return evaluate


def neutral(request: Request) -> tuple[dict[str, float], bool]:
    """Says how an example is made to count for nothing.

    Args:
        request: A request of some operation.

    Returns:
        What its arguments become, and whether the normalizer still counts it.
    """
    first, second = request.positional
    if request.returns == "loss_and_state":
        return {"sample_mask": 0.0}, False
    if request.kinds.get(second) == "index":
        return {second: request.params.get("ignore_index", -100)}, False
    if "sample_weight" in request.inputs:
        return {"sample_weight": 0.0}, True
    # The limit of a negative that is beyond doubt.
    return {first: -np.inf, second: 0.0}, second != "heatmap"


def padded(request: Request) -> tuple[dict[str, Array], int]:
    """Makes all shards as long as the longest, by examples that count for nothing.

    Args:
        request: A request with shards.

    Returns:
        Inputs of all shards, one after the other, and how many examples of them are
        counted by the normalizer and should not be.
    """
    values, counted = neutral(request)
    width, pieces = max(request.shards), []
    for shard in split(request):
        inputs = dict(shard.inputs)
        size = len(inputs[request.positional[0]])
        inputs |= {k: np.ones(size) for k in values if k not in inputs}
        for name, array in inputs.items():
            rest = [(0, width - size), *[(0, 0)] * (array.ndim - 1)]
            inputs[name] = np.pad(array, rest, mode="edge")
            inputs[name][size:] = values.get(name, inputs[name][size:])
        pieces.append(inputs)
    joined = {k: np.concatenate([piece[k] for piece in pieces]) for k in pieces[0]}
    extra = width * len(pieces) - sum(request.shards)
    return joined, extra if counted else 0


def evaluate(function: Callable[..., Any], request: Request) -> Outputs:
    """Evaluates all shards of a request, and the gradient of their mean.

    Args:
        function: The loss.
        request: A request with shards.

    Returns:
        Outputs of the whole.
    """
    shards = request.shards
    even = len(shards) > 1 and len(set(shards)) == 1
    inputs, extra = (dict(request.inputs), 0) if even else padded(request)
    kinds = dict(request.kinds)
    if "sample_mask" in inputs:
        kinds["sample_mask"] = "mask"
    parts = replace(request, reduction="parts", kinds=kinds)
    with jax.enable_x64(request.dtype == "float64"):
        given = {k: array_of(v, k, parts) for k, v in inputs.items()}
        arrays = {k: array_of(v, k, parts) for k, v in request.arrays.items()}
        whole = _by_compiler(function, parts) if even else _by_hand(function, parts)
        if even:
            given = jax.device_put(given, NamedSharding(_mesh(parts), SHARDED))
            arrays = jax.device_put(arrays, NamedSharding(_mesh(parts), SHARED))
        wanted = {k: {**given, **arrays}[k] for k in request.gradients}
        gradients = jax.jit(jax.grad(_mean(whole, extra), has_aux=True))
        grads, found = gradients(wanted, given, arrays)
        outputs = outputs_of({**found, **{f"grad_{k}": v for k, v in grads.items()}})
    return outputs if even else _unpadded(request, outputs)


def _mesh(request: Request) -> Mesh:
    return Mesh(np.array(jax.devices()[: len(request.shards)]), (AXIS,))


def _by_compiler(function: Callable[..., Any], request: Request) -> Callable[..., Any]:
    """Makes the parts of the whole, and whatever else is returned."""
    run = bind(function, request)

    def whole(inputs: Any, arrays: Any) -> Any:
        found = run({**inputs, **arrays})
        return {k: found.pop(k) for k in ("value", "normalizer")}, found

    return whole


def _by_hand(function: Callable[..., Any], request: Request) -> Callable[..., Any]:
    """Makes the same from the parts of every shard."""

    def over_all(part: jax.Array) -> jax.Array:
        return jax.lax.psum(part, AXIS)

    def local(inputs: Any, arrays: Any) -> Any:
        run = bind(function, with_reduced_counts(request, over_all))
        found = run({**inputs, **arrays})
        parts = {k: over_all(found.pop(k)) for k in ("value", "normalizer")}
        # Each shard has its state, which JAX need not prove to be the same.
        return parts, {k: v[None] for k, v in found.items()}

    mapped = jax.shard_map(
        local,
        mesh=_mesh(request),
        in_specs=(SHARDED, SHARED),
        out_specs=(SHARED, SHARDED),
    )

    def whole(inputs: Any, arrays: Any) -> Any:
        parts, states = mapped(inputs, arrays)
        return parts, {k: v[0] for k, v in states.items()}

    return whole


def _mean(whole: Callable[..., Any], extra: int) -> Callable[..., Any]:
    """Makes what is differentiated: the mean, the normalizer being a constant."""

    def mean(wanted: Any, inputs: Any, arrays: Any) -> Any:
        parts, state = whole(
            {k: wanted.get(k, v) for k, v in inputs.items()},
            {k: wanted.get(k, v) for k, v in arrays.items()},
        )
        normalizer = jax.lax.stop_gradient(parts["normalizer"]) - extra
        value = parts["value"] / jnp.where(normalizer == 0, 1, normalizer)
        return value, {**state, "value": value, "normalizer": normalizer}

    return mean


def _unpadded(request: Request, outputs: Outputs) -> Outputs:
    width, arrays = max(request.shards), dict(outputs.arrays)
    starts = [i * width for i in range(len(request.shards))]
    for name in (f"grad_{k}" for k in request.inputs):
        if name in arrays:
            pieces = zip(starts, request.shards, strict=True)
            own = [arrays[name][start : start + size] for start, size in pieces]
            arrays[name] = np.concatenate(own)
    return replace(outputs, arrays=arrays)
