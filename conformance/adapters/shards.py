"""A batch in parts: what the frameworks' ways of sharding share."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from conformance.adapters.protocol import Array, Outputs, Request


def split(request: Request) -> list[Request]:
    """Makes one request of each shard, to be answered in parts.

    Args:
        request: A request with shards; examples lie along the first axis.

    Returns:
        Requests without shards, under ``"parts"``.

    Raises:
        ValueError: The shards are not the whole.
    """
    size = len(next(iter(request.inputs.values())))
    if sum(request.shards) != size:
        raise ValueError(f"shards {request.shards} must add up to {size} examples.")
    ends = np.cumsum([0, *request.shards])
    return [
        replace(
            request,
            inputs={k: v[start:end] for k, v in request.inputs.items()},
            reduction="parts",
            shards=(),
        )
        for start, end in pairwise(ends)
    ]


def joined(request: Request, answers: Sequence[Outputs]) -> Outputs:
    """Puts the answers of the shards together.

    Args:
        request: The request with shards.
        answers: Outputs of each shard: gradients of its own inputs, all else the same
            for all shards.

    Returns:
        Outputs of the whole.
    """
    arrays: dict[str, Array] = dict(answers[0].arrays)
    for name in request.inputs:
        gradient = f"grad_{name}"
        if gradient in arrays:
            parts = [answer.arrays[gradient] for answer in answers]
            arrays[gradient] = np.concatenate(parts)
    return Outputs(arrays, answers[0].dtypes)


def with_reduced_counts(request: Request, reduce_counts: object) -> Request:
    """Adds the way counts become those of all shards, where the operation has any."""
    if request.returns != "loss_and_state":
        return request
    params: Mapping[str, object] = {**request.params, "reduce_counts": reduce_counts}
    return replace(request, params=params)
