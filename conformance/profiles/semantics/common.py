"""What holds of every operation: reductions, memory and arguments left alone."""

from collections.abc import Callable, Iterator

import numpy as np

from conformance.adapters import Outputs
from conformance.profiles.answers import failed, passed, unanswered
from conformance.profiles.calls import Call
from conformance.profiles.check import Ask, Check
from conformance.profiles.judge import Result
from conformance.profiles.points import FULL, MINING
from conformance.profiles.semantics._identity import Answer, Identity, Pair, equal
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


def identities(call: Call) -> Iterator[Identity]:
    """Yields what holds of a call, whatever its operation."""
    for layout in LAYOUTS:
        one = constant(call) if layout == "broadcast" else call
        if layout == "transposed" and next(iter(one.inputs.values())).ndim < 2:
            one = _in_two_axes(call)
            if one is None:
                continue
        yield Identity(
            call.operation,
            f"{layout} arrays",
            equal(one(layout=layout), one, outputs=one.outputs),
            once=True,
        )
    if call.operation == MINING:
        return
    yield Identity(
        call.operation,
        "mean is total over normalizer",
        lambda answer: mean(answer, call),
    )
    if OPERATIONS[call.operation].form != "coupled":
        yield Identity(
            call.operation,
            "parts add up",
            lambda answer: halves(answer, call),
            once=True,
        )


def _in_two_axes(call: Call) -> Call | None:
    """The same examples as a table, where the operation takes any shape."""
    if call.operation == MINING:
        return None
    return call(**{name: array.reshape(4, -1) for name, array in call.inputs.items()})


def untouched(call: Call, layout: str) -> Callable[..., Iterator[Result]]:
    """Asks whether the arguments still hold what they held."""

    def ask_once(
        result: Result, ask: Ask, device: str, _limit: float
    ) -> Iterator[Result]:
        one = call(layout=layout)
        response = ask(one.request(result.dtype, device, one.outputs))
        if not isinstance(response, Outputs):
            yield unanswered(result, response)
        elif response.mutated:
            yield failed(result, f"changed {', '.join(response.mutated)} in place")
        else:
            yield passed(result, compared=len(one.inputs))

    return ask_once


def checks(operation: str, dtype: str) -> Iterator[Check]:
    """Yields the checks of an operation that are no identities."""
    for call in FULL:
        if call.operation != operation:
            continue
        for layout in ("contiguous", "strided"):
            path = f"{operation}/semantics/inputs-unchanged-{layout}"
            yield Check("semantics", operation, path, dtype, untouched(call, layout))


IDENTITIES = tuple(identity for call in FULL for identity in identities(call))
