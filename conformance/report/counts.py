"""What the results of a run add up to."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.profiles import Result

STATUSES = ("pass", "fail", "errored", "skipped", "not_implemented")


@dataclass
class Tally:
    """Counts of one implementation."""

    statuses: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    failed: int = 0

    def add(self, result: Result) -> None:
        """Counts one result."""
        self.statuses[result.status] += 1
        self.compared += result.compared
        self.failed += result.failed

    @property
    def conforms(self) -> bool:
        """Nothing failed or broke, and something was compared."""
        faults = self.statuses["fail"] + self.statuses["errored"]
        return self.compared > 0 and not faults

    @property
    def phrase(self) -> str:
        """The verdict in a word or two."""
        for status, number in (
            ("errored", self.statuses["errored"]),
            ("failed", self.failed or self.statuses["fail"]),
        ):
            if number:
                return f"{number} {status.upper()}"
        if self.compared:
            return "pass"
        return "not implemented" if self.statuses["not_implemented"] else "skipped"

    def record(self) -> dict[str, Any]:
        """The counts as JSON knows them."""
        statuses = {status: self.statuses[status] for status in STATUSES}
        return {"compared": self.compared, "failed": self.failed, "results": statuses}


def tallies(names: Sequence[str], results: Iterable[Result]) -> dict[str, Tally]:
    """Counts the results of each implementation.

    Args:
        names: Implementations of the run, also those without a result.
        results: All results.

    Returns:
        Counts by implementation.
    """
    counts = {name: Tally() for name in names}
    for result in results:
        counts[result.impl].add(result)
    return counts


def exit_status(counts: dict[str, Tally]) -> int:
    """Turns counts into the exit status of the command.

    Args:
        counts: Counts by implementation.

    Returns:
        2 after a fault of an adapter, 1 after a deviation or where an implementation
        was not compared with anything, 0 otherwise.
    """
    if any(tally.statuses["errored"] for tally in counts.values()):
        return 2
    return 0 if counts and all(tally.conforms for tally in counts.values()) else 1


def reasons(counts: dict[str, Tally]) -> list[str]:
    """Says why a run does not conform.

    Args:
        counts: Counts by implementation.

    Returns:
        A phrase for each reason; empty if it conforms.
    """
    phrases = []
    for impl, tally in counts.items():
        if tally.statuses["errored"]:
            phrases.append(f"{impl} broke {tally.statuses['errored']} times")
        if tally.failed:
            phrases.append(f"{impl}: {tally.failed} numbers out of budget")
        elif tally.statuses["fail"]:
            phrases.append(f"{impl}: {tally.statuses['fail']} results failed")
        if not tally.compared:
            phrases.append(f"{impl}: nothing was compared")
    return phrases if counts else ["nothing was compared"]
