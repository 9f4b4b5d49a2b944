"""Shards of a program: one call of each in parts, added up here."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.adapters.protocol import (
    Array,
    NotImplementedOperation,
    Outputs,
    Request,
    Response,
)
from conformance.adapters.shards import joined, split

# What the mean of a whole is made of.
MEAN = ("value", "normalizer")


def evaluate_all(ask: Callable[[Request], Response], request: Request) -> Response:
    """Evaluates all shards of a request, and puts them together to the mean.

    Args:
        ask: Asks the program for one call.
        request: A request with shards, of an operation without state.

    Returns:
        Outputs of the whole: the mean, and gradients of it, where no shard lacks them;
        or the first answer that is no numbers, or not those that a mean is made of.
    """
    gradients = tuple(f"grad_{name}" for name in request.gradients)
    parts: list[Outputs] = []
    slopes: list[Outputs] = []
    for shard in split(request):
        total = ask(replace(shard, want=MEAN))
        slope = ask(replace(shard, want=gradients, reduction="sum"))
        if not isinstance(total, Outputs):
            return total
        if not isinstance(slope, Outputs):
            return slope
        absent = [name for name in MEAN if name not in total.arrays]
        if absent:
            return NotImplementedOperation(f"no {absent[0]}")
        parts.append(total)
        slopes.append(slope)
    normalizer = np.sum([part.arrays["normalizer"] for part in parts])
    divisor = normalizer if normalizer else 1.0
    total = np.sum([part.arrays["value"] for part in parts], axis=0) / divisor
    whole = {"value": total, "normalizer": normalizer}
    dtypes = {**parts[0].dtypes, **slopes[0].dtypes}
    pieces = [
        Outputs({**whole, **_of_mean(request, slope, slopes, divisor)}, dtypes)
        for slope in slopes
    ]
    return joined(request, pieces)


def _of_mean(
    request: Request, own: Outputs, every: list[Outputs], divisor: Any
) -> dict[str, Array]:
    """The gradients of a shard; those of arguments that all share are added up."""
    found = {}
    for name, slope in own.arrays.items():
        if not all(name in one.arrays for one in every):
            continue
        shared = name.removeprefix("grad_") in request.arrays
        total = np.sum([one.arrays[name] for one in every], axis=0) if shared else slope
        found[name] = np.asarray(total / divisor)
    return found
