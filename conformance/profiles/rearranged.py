"""Sums do not depend on the order of their terms, nor on where they are cut."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from conformance.adapters import Outputs, Request, Response
from conformance.profiles.answers import alike, alone
from conformance.profiles.check import Ask, Check
from conformance.profiles.judge import Result
from conformance.profiles.silence import unanswered
from conformance.profiles.unit import Scope, Unit
from conformance.vectors import SumCase, class_axis

# One more than a power of two: no chunk and no lane of it is full.
LENGTH = 1025
# Where it is cut: three parts, no two of a length.
CUTS = (146, 512)
# Odd, so that it meets every element of a length that is no multiple of it.
STRIDE = 389


def checks(scope: Scope) -> Iterator[Check]:
    """Permuted, and in three uneven parts whose totals and normalizers add up.

    The parts of a coupled operation do not know of each other; shards do. Where each
    form is compiled, the one with most arguments stands for all, as a whole function.
    """
    cases = [case for case in scope.sums if case.tile == LENGTH]
    compiled = "jit" in scope.capabilities.transforms
    if compiled:
        cases = sorted(cases, key=lambda case: -len(case.expected))[:1]
    for case in cases:
        for dtype in scope.dtypes(case, ("float64", "float32"))[-1:]:
            unit = Unit(
                "reductions",
                scope.operation,
                case,
                dtype,
                ("value", "normalizer"),
                transform="jit" if compiled else "eager",
                reduction="parts",
            )
            yield _check(unit, "permuted", [_permutation(case)])
            if scope.record.form != "coupled":
                parts = np.split(np.arange(case.tile), CUTS)
                yield _check(unit, "chunked", parts)


def _permutation(case: SumCase) -> NDArray[np.int64]:
    return np.arange(case.tile) * STRIDE % case.tile


def _check(unit: Unit, name: str, parts: list[NDArray[np.int64]]) -> Check:
    def asked(result: Result, ask: Ask, device: str, limit: float) -> Iterator[Result]:
        whole = alone(unit).request(device)
        answers = [ask(_taken(whole, unit, part)) for part in parts]
        yield from _judged(unit, result, answers, limit)

    return Check(
        profile=unit.profile,
        operation=unit.operation,
        path=f"{unit.path};{name}",
        dtype=unit.dtype,
        ask=asked,
        transform=unit.transform,
        reduction=unit.reduction,
    )


def _taken(request: Request, unit: Unit, part: NDArray[np.int64]) -> Request:
    """The request for some of the examples."""
    inputs = {}
    for name, array in request.inputs.items():
        first = array.ndim > 1 and class_axis(unit.case) % array.ndim == 0
        inputs[name] = array.take(part, axis=1 if first else 0)
    return replace(request, inputs=inputs)


def _judged(
    unit: Unit, result: Result, answers: list[Response], limit: float
) -> Iterator[Result]:
    for answer in answers:
        if not isinstance(answer, Outputs) or len(answer.arrays) < len(unit.want):
            yield unanswered(result, answer)
            return
    for output, name in (("value", "sum"), ("normalizer", "normalizer")):
        terms = [a.arrays[output] for a in answers if isinstance(a, Outputs)]
        truth = unit.case.expected[name]
        total = np.sum(terms, axis=0)
        yield alike(replace(result, output=name), total, truth.hi, truth.scale, limit)
