"""What the profiles of checks share: judging without vectors."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from conformance.adapters.protocol import Array
from conformance.budgets import MEANINGFUL, error_units
from conformance.profiles.batch import Batch
from conformance.profiles.judge import Result
from conformance.profiles.severity import lost_by_check
from conformance.profiles.unit import Unit


def failed(result: Result, reason: str, *, compared: int = 1) -> Result:
    """A result that is wrong as a whole."""
    return replace(
        result,
        status="fail",
        compared=compared,
        failed=compared,
        reason=reason,
        lost=lost_by_check(result.profile, np.inf),
    )


def passed(result: Result, *, compared: int = 1) -> Result:
    """A result that is right as a whole."""
    return replace(result, status="pass", compared=compared)


def alike(
    result: Result, actual: Array, expected: Array, scale: Array, limit: float
) -> Result:
    """Compares two answers number by number.

    Args:
        result: The blank result; its dtype decides the unit.
        actual: One answer.
        expected: The other, or the truth.
        scale: Amplification times size, broadcast against both.
        limit: Largest error that passes, in units of u * scale.

    Returns:
        The result; a failure names the first number in words, since no vector does.
    """
    if actual.shape != expected.shape:
        reason = f"shape {actual.shape}, expected {expected.shape}"
        return failed(result, reason, compared=max(expected.size, 1))
    units = error_units(actual, expected, 0.0, scale, result.dtype)
    bad = np.argwhere(~(units <= limit))
    if not bad.size and not bad.shape[0]:
        return passed(result, compared=expected.size)
    at = tuple(int(i) for i in bad[0])
    reason = (
        f"at {at}: expected {float(expected[at])!r}, got {float(actual[at])!r}, "
        f"{float(units[at]):.3g} units where {limit:g} pass"
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        size = np.abs(expected).max(initial=0.0)
        excess = float(np.abs(actual - expected).max(initial=0.0) / size)
    # It asks the profiles' own questions of the reference, so they come first.
    from conformance.diagnosis import diagnose_pair

    return replace(
        failed(result, reason, compared=expected.size),
        failed=bad.shape[0],
        lost=lost_by_check(result.profile, excess),
        diagnosis=diagnose_pair(actual, expected, MEANINGFUL),
    )


def one_dtype(claimed: tuple[str, ...]) -> Iterator[str]:
    """Yields float32, or what is claimed instead."""
    yield from ("float32",) if "float32" in claimed else claimed[:1]


def alone(unit: Unit) -> Batch:
    """A call that answers one unit and nothing else."""
    case = unit.case
    return Batch((unit,), dict(case.inputs), case.shape, (slice(None),))
