"""What the ratchet says of a run."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from conformance.budgets import RATCHET_FACTOR, RATCHET_FLOOR, largest_error
from conformance.profiles import Result
from conformance.ratchet.record import Key, entries, size_of, worst

HINT = "conformance ratchet --update --from REPORT"


class Verdict(NamedTuple):
    """What the ratchet says of a run: sentences, and the exit status."""

    lines: list[str]
    status: int


def check(
    kept: Mapping[str, Any],
    name: str,
    results: Iterable[Result],
    *,
    quick: bool,
    complete: bool,
    known: bool,
) -> Verdict:
    """Compares a run with what is stored.

    Args:
        kept: What the file holds.
        name: Platform of the run.
        results: Of the run.
        quick: Whether few points stood for all; such runs have values of their own.
        complete: Whether nothing was left out, so that what is missing went away.
        known: Whether a platform that is not stored fails.

    Returns:
        Status 1 with a sentence for every error that grew to more than twice what is
        stored, for what is not stored, and in a complete run for what is not measured.
    """
    size = size_of(quick=quick)
    if size not in kept["platforms"].get(name, {}):
        missing = f"ratchet: no ratchet of {size} runs for this platform, {name}"
        return Verdict([f"{missing}; {HINT} adds it"], int(known))
    stored, now = dict(entries(kept, name, size)), worst(results)
    lines = [*_grown(stored, now), *_unknown(stored, now)]
    if complete:
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
    return Verdict(
        [f"ratchet: {len(now)} worst errors of {size} runs hold on {name}"], 0
    )


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
