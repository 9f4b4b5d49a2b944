"""What holds of every operation: reductions, memory and arguments left alone."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from conformance.adapters import NotImplementedOperation, Outputs, Skipped
from conformance.profiles.answers import failed, passed
from conformance.profiles.calls import Call
from conformance.profiles.check import Ask, Check
from conformance.profiles.judge import Result
from conformance.profiles.points import FULL, MINING, PLAIN
from conformance.profiles.semantics._identity import (
    Answer,
    Identity,
    Pair,
    equal,
    first_implemented,
)
from conformance.profiles.silence import unanswered
from conformance.registry import OPERATIONS

LAYOUTS = ("strided", "transposed", "broadcast")


def mean(answer: Answer, call: Call) -> Iterator[Pair]:
    """The mean is the total over the normalizer; the total is the sum of the losses."""
    total, normalizer = answer(call(reduction="parts"), "value", "normalizer")
    (value,) = answer(call(reduction="mean"), "value")
    yield Pair("mean", value, total / max(float(normalizer), 1.0))
    yield Pair("sum", answer(call(reduction="sum"), "value")[0], total)
    yield Pair("none", answer(call, "value")[0].sum(), total)


def halves(answer: Answer, call: Call) -> Iterator[Pair]:
    """Totals and normalizers of two unequal shards add up to those of the whole."""
    cut = len(next(iter(call.inputs.values()))) // 3
    parts = [
        answer(
            call(
                **{name: array[rows].copy() for name, array in call.inputs.items()},
                reduction="parts",
            ),
            "value",
            "normalizer",
        )
        for rows in (slice(cut), slice(cut, None))
    ]
    whole = answer(call(reduction="parts"), "value", "normalizer")
    for i, output in enumerate(("value", "normalizer")):
        yield Pair(output, whole[i], parts[0][i] + parts[1][i])


def constant(call: Call) -> Call:
    """The same call with examples that are all alike, so that one place holds them."""
    return call(
        **{
            name: np.full_like(array, array.flat[1])
            for name, array in call.inputs.items()
        }
    )


def laid_out(layout: str) -> Callable[[Answer, Call], Iterator[Pair]]:
    """Makes the demand that a layout changes nothing."""

    def pairs(answer: Answer, call: Call) -> Iterator[Pair]:
        one = constant(call) if layout == "broadcast" else call
        if layout == "transposed" and next(iter(one.inputs.values())).ndim < 2:
            one = _in_two_axes(call)
        yield from equal(one(layout=layout), one, outputs=one.outputs)(answer)

    return pairs


def identities(full: Call, plain: Call) -> Iterator[Identity]:
    """Yields what holds of an operation, whichever it is."""
    name, mining = full.operation, full.operation == MINING
    for layout in LAYOUTS:
        # Losses to be ranked have one axis.
        if not (mining and layout == "transposed"):
            pairs = first_implemented(laid_out(layout), full, plain)
            yield Identity(name, f"{layout} arrays", pairs, once=True)
    if not mining:
        pairs = first_implemented(mean, full, plain)
        yield Identity(name, "mean is total over normalizer", pairs)
    if OPERATIONS[name].form != "coupled":
        pairs = first_implemented(halves, full, plain)
        yield Identity(name, "parts add up", pairs, once=True)


def _in_two_axes(call: Call) -> Call:
    """The same examples as a table."""
    return call(**{name: array.reshape(4, -1) for name, array in call.inputs.items()})


def untouched(calls: Sequence[Call], layout: str) -> Callable[..., Iterator[Result]]:
    """Asks whether the arguments still hold what they held."""

    def ask_once(
        result: Result, ask: Ask, device: str, _limit: float
    ) -> Iterator[Result]:
        one, *others = (call(layout=layout) for call in calls)
        response = ask(one.request(result.dtype, device, one.outputs))
        for other in others:
            if isinstance(response, NotImplementedOperation):
                one = other
                response = ask(one.request(result.dtype, device, one.outputs))
        if not isinstance(response, Outputs):
            yield unanswered(result, response)
        elif response.mutated is None:
            yield unanswered(result, Skipped("its arguments are copies of ours"))
        elif response.mutated:
            yield failed(result, f"changed {', '.join(response.mutated)} in place")
        else:
            yield passed(result, compared=len(one.inputs))

    return ask_once


def checks(operation: str, dtype: str) -> Iterator[Check]:
    """Yields the checks of an operation that are no identities."""
    calls = [call for call in (*FULL, *PLAIN) if call.operation == operation]
    for layout in ("contiguous", "strided"):
        path = f"{operation}/semantics/inputs-unchanged-{layout}"
        yield Check("semantics", operation, path, dtype, untouched(calls, layout))


IDENTITIES = tuple(
    identity
    for full, plain in zip(FULL, PLAIN, strict=True)
    for identity in identities(full, plain)
)
