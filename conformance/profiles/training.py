"""A training with the gradients of an implementation goes as with the reference's.

How far two correct trainings may drift apart is measured: *shadows* are trainings of
the reference from first weights moved by one rounding.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from conformance.adapters import (
    Adapter,
    NotImplementedOperation,
    Request,
    Response,
    resolve,
)
from conformance.adapters.protocol import Array
from conformance.budgets import (
    LEAST_FALL,
    SHADOW_FACTOR,
    SHADOW_FLOOR,
    UNIT_ROUNDOFF,
)
from conformance.profiles.answers import failed, passed
from conformance.profiles.check import Ask, Check
from conformance.profiles.courses import (
    COURSES,
    SEED,
    STEPS,
    Course,
    UnansweredError,
    first_parameters,
    walk,
)
from conformance.profiles.derailed import DerailedError
from conformance.profiles.judge import Result
from conformance.profiles.silence import unanswered
from conformance.profiles.unit import Scope

SHADOWS = 3
PLAIN = {"device": "cpu", "transform": "eager"}


def units(scope: Scope) -> Iterator[Check]:
    """One training of each operation, in the widest dtype claimed; none when quick.

    Losses whose elements depend on each other are trained in float64 alone: there an
    example does not cross the edge of a bin for a rounding.
    """
    course = COURSES.get(scope.operation)
    if course is None or scope.quick:
        return
    claimed = scope.capabilities.dtypes
    dtypes = [dtype for dtype in ("float64", "float32") if dtype in claimed]
    if scope.record.form == "coupled" or scope.compiles:
        dtypes = dtypes[:1]
    for dtype in dtypes:
        yield Check(
            profile="training",
            operation=scope.operation,
            path=f"{scope.operation}/training/descent",
            dtype=dtype,
            ask=partial(_train, course),
            transform="jit" if scope.compiles else "eager",
        )


def _train(
    course: Course, blank: Result, ask: Ask, device: str, _limit: float
) -> Iterator[Result]:
    form = {"device": device, "transform": blank.transform}
    try:
        (rows, losses), full = _trained(course, blank.dtype, ask, form)
    except UnansweredError as error:
        yield unanswered(blank, error.response)
        return
    except DerailedError as error:
        result = replace(blank, output="parameters")
        yield failed(result, str(error), compared=STEPS)
        return
    expected = _expected(course.operation, blank.dtype, full=full)
    yield from _judged(blank, expected, rows, losses)


def _trained(
    course: Course, dtype: str, ask: Ask, form: Mapping[str, str]
) -> tuple[tuple[list[Array], list[float]], bool]:
    """Trains with all arguments, or else with few; tells whether it was with all."""
    try:
        return _walk(course, dtype, ask, form), True
    except UnansweredError as error:
        if not isinstance(error.response, NotImplementedOperation):
            raise
    return _walk(course.plain(), dtype, ask, form), False


def _walk(
    course: Course, dtype: str, ask: Ask, form: Mapping[str, str]
) -> tuple[list[Array], list[float]]:
    return walk(course, first_parameters(course), dtype, ask, form)


@dataclass(frozen=True, eq=False)
class _Expected:
    """The reference's training, and how far from it one may be after each step."""

    rows: list[Array]
    bound: Array


@cache
def _expected(operation: str, dtype: str, *, full: bool) -> _Expected:
    course = COURSES[operation] if full else COURSES[operation].plain()
    rows, _ = _walk(course, dtype, _reference, PLAIN)
    unit, distances = UNIT_ROUNDOFF[dtype], []
    generator = np.random.default_rng([SEED, 2])
    for _ in range(SHADOWS):
        moved = [
            p * (1 + 2 * unit * generator.choice([-1.0, 1.0], p.shape))
            for p in first_parameters(course)
        ]
        shadow, _ = walk(course, moved, dtype, _reference, PLAIN)
        distances.append(_distances(shadow, rows))
    envelope = np.maximum.accumulate(np.max(distances, axis=0))
    return _Expected(rows, SHADOW_FACTOR * np.maximum(envelope, SHADOW_FLOOR * unit))


def _reference(request: Request) -> Response:
    """Answers in float64, whatever is asked for; inputs are rounded already."""
    return _numpy().eval(replace(request, dtype="float64"))


@cache
def _numpy() -> Adapter:
    return resolve("numpy")


def _distances(rows: list[Array], reference: list[Array]) -> Array:
    return np.array(
        [
            float(np.linalg.norm(row - true) / np.linalg.norm(true))
            for row, true in zip(rows, reference, strict=True)
        ]
    )


def _judged(
    blank: Result, expected: _Expected, rows: list[Array], losses: list[float]
) -> Iterator[Result]:
    share = _distances(rows, expected.rows) / expected.bound
    curve = tuple((float(i), float(c)) for i, c in enumerate(share, 1))
    result = replace(blank, output="parameters", curve=curve)
    # Written so that a distance that is NaN fails.
    late = np.flatnonzero(~(share <= 1))
    if late.size:
        step = int(late[0])
        bound = expected.bound[step]
        reason = (
            f"after {step + 1} of {STEPS} steps the parameters are "
            f"{share[step] * bound:.3g} of their size away, where {bound:.3g} pass"
        )
        wrong = failed(result, reason, compared=STEPS)
        yield replace(wrong, failed=int(late.size))
    else:
        yield passed(result, compared=STEPS)
    result = replace(blank, output="loss")
    if losses[-1] <= (1 - LEAST_FALL) * losses[0]:
        yield passed(result)
    else:
        change = f"{losses[0]:.6g} before, {losses[-1]:.6g} after {STEPS} steps"
        yield failed(result, f"nothing is learned: the loss is {change}")
