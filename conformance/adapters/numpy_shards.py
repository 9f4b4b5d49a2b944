"""Shards one after the other, their parts added by hand."""

from collections.abc import Callable
from typing import Any

from conformance.adapters.functions import arguments, bind
from conformance.adapters.numpy_arrays import named_arrays, outputs_of
from conformance.adapters.protocol import Outputs, Request
from conformance.adapters.shards import joined, split, with_reduced_counts


def evaluate_all(
    function: Callable[..., Any],
    gradient: Callable[..., Any] | None,
    request: Request,
) -> Outputs:
    """Evaluates all shards of a request.

    Args:
        function: The loss.
        gradient: Its gradient, if there is one.
        request: A request with shards.

    Returns:
        Outputs of the whole: the mean, and gradients of it.
    """
    shards = split(request)
    if request.returns == "loss_and_state":
        shards = _with_all_counts(function, shards)
    answers = [bind(function, shard)(named_arrays(shard)) for shard in shards]
    normalizer = sum(answer["normalizer"] for answer in answers)
    divisor = normalizer if normalizer else 1
    found = {**answers[0], "normalizer": normalizer}
    found["value"] = sum(answer["value"] for answer in answers) / divisor
    pieces: list[dict[str, Any]] = [dict(found) for _ in shards]
    if gradient is None:
        return outputs_of(found)
    for argument in request.gradients:
        name, parts = f"grad_{argument}", []
        for shard in shards:
            positional, keywords = arguments(
                shard, {**named_arrays(shard), **shard.params}
            )
            part = gradient(*positional, **keywords, argument=argument)
            parts.append(part / divisor)
        shared = sum(parts) if argument in request.arrays else None
        for piece, part in zip(pieces, parts, strict=True):
            piece[name] = part if shared is None else shared
    return joined(request, [outputs_of(piece) for piece in pieces])


def _with_all_counts(
    function: Callable[..., Any],
    shards: list[Request],
) -> list[Request]:
    """Evaluates the shards once for their counts, which then are those of all."""
    counts: list[Any] = []

    def recorded(count: Any) -> Any:
        counts.append(count)
        return count

    for shard in shards:
        bind(function, with_reduced_counts(shard, recorded))(named_arrays(shard))
    whole = sum(counts)
    return [with_reduced_counts(shard, lambda _: whole) for shard in shards]
