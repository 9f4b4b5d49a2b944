"""The ratchet: an error that once was small must not grow back.

The budget of the error model is wide, so that other compilers pass. What our own
implementations reach is mostly far below it, and a change that doubles an error is a
loss, budget or not. The file holds the worst error of every implementation, operation,
dtype and kind of output on every platform, since processors round differently.

The file only ever tightens: judging takes its limits from :mod:`conformance.budgets`
alone, and no value above them can be written or read.
"""

import json
import math
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from conformance.budgets import RATCHET_FACTOR, RATCHET_FLOOR, largest_error
from conformance.errors import UsageError
from conformance.profiles import Result

FILE = Path(__file__).parent / "records" / "ratchet.json"
HINT = "conformance ratchet --update --from REPORT"
KINDS = ("value", "gradient")

# Values by implementation, operation, dtype and kind of output.
Values = dict[str, dict[str, dict[str, dict[str, float]]]]


class Key(NamedTuple):
    """What a value is about."""

    impl: str
    operation: str
    dtype: str
    kind: str

    def __str__(self) -> str:
        return f"{self.impl} {self.operation} {self.dtype} {self.kind}"


class Verdict(NamedTuple):
    """What the ratchet says of a run: sentences, and the exit status."""

    lines: list[str]
    status: int


def here(device: str) -> str:
    """Names the platform of this machine."""
    return f"{device}-{platform.machine()}"


def worst(results: Iterable[Result]) -> dict[Key, float]:
    """Finds the worst error of everything that is kept.

    Args:
        results: Of one or several implementations.

    Returns:
        Errors in units of u * scale.
    """
    found: dict[Key, float] = {}
    for result in results:
        if result.worst is not None:
            kind = KINDS[result.output.startswith("grad_")]
            key = Key(result.impl, result.operation, result.dtype, kind)
            # A NaN would be lost to whatever it is compared with.
            error = math.inf if math.isnan(result.worst) else result.worst
            found[key] = max(found.get(key, 0.0), error)
    return found


def load(path: Path) -> dict[str, Any]:
    """Reads a file of values.

    Args:
        path: The file.

    Returns:
        What it holds; nothing if it does not exist.

    Raises:
        UsageError: It is no such file, or a value in it cannot be one.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        for key, value in entries(kept, *kept["platforms"]):
            limit = largest_error(key.impl)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and 0 <= value <= limit):
                raise UsageError(
                    f"{path}: {key}: expected a number in [0, {limit:g}], which no "
                    f"ratchet can exceed, got {value!r}."
                )
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: expected the file of a ratchet ({error})."
        ) from error
    return kept


def entries(kept: Mapping[str, Any], *platforms: str) -> Iterator[tuple[Key, Any]]:
    """Yields what is stored for platforms."""
    for name in platforms:
        values: Values = kept["platforms"].get(name, {}).get("worst", {})
        for impl, operations in values.items():
            for operation, dtypes in operations.items():
                for dtype, kinds in dtypes.items():
                    for kind, value in kinds.items():
                        yield Key(impl, operation, dtype, kind), value


def check(
    kept: Mapping[str, Any],
    name: str,
    results: Iterable[Result],
    *,
    full: bool,
) -> Verdict:
    """Compares a run with what is stored.

    Args:
        kept: What the file holds.
        name: Platform of the run.
        results: Of the run.
        full: Whether everything was asked, so that what is missing went away.

    Returns:
        Status 1 with a sentence for every error that grew to more than twice what is
        stored, for what is not stored, and in a full run for what is not measured.
    """
    if name not in kept["platforms"]:
        return Verdict([f"ratchet: no ratchet for this platform, {name}"], 0)
    stored, now = dict(entries(kept, name)), worst(results)
    lines = [*_grown(stored, now), *_unknown(stored, now)]
    if full:
        impls = {key.impl for key in now}
        lines += [
            f"ratchet: {key}: {stored[key]:g} is stored, but nothing was measured"
            for key in stored
            if key.impl in impls and key not in now
        ]
    if not now:
        lines.append("ratchet: nothing was measured")
    if lines:
        return Verdict(lines, 1)
    return Verdict([f"ratchet: {len(now)} worst errors hold on {name}"], 0)


def _grown(stored: Mapping[Key, float], now: Mapping[Key, float]) -> Iterator[str]:
    for key, error in now.items():
        if key in stored:
            most = RATCHET_FACTOR * max(stored[key], RATCHET_FLOOR)
            # Written so that a NaN fails; the file cannot lift the budget.
            if not error <= min(most, largest_error(key.impl)):
                yield (
                    f"ratchet: {key}: {error:.3g} now, {stored[key]:g} is stored; at "
                    f"most {most:.3g} holds"
                )


def _unknown(stored: Mapping[Key, float], now: Mapping[Key, float]) -> Iterator[str]:
    for key, error in now.items():
        if key not in stored:
            yield f"ratchet: {key}: {error:.3g} now, nothing is stored; {HINT} adds it"
