"""What a run says, as every report tells it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from conformance import levels
from conformance.budgets import UNIT_ROUNDOFF
from conformance.levels import HELD, LOST, UNKNOWN, Standing
from conformance.profiles import Result
from conformance.profiles.severity import DEFINITION, LEVELS
from conformance.registry import OPERATIONS
from conformance.report import coverage
from conformance.report.counts import Tally, reasons, tallies
from conformance.report.evidence import Evidence
from conformance.report.stream import Stored
from conformance.report.wording import counted

CONFORMS, DEVIATES = "CONFORMS", "DOES NOT CONFORM"
INCOMPLETE, NO_DATA, DOUBTED = "INCOMPLETE", "NO DATA", "NOT TRUSTED"
NO_LEVEL = "no level"
FAULTS = ("errored", "fail")


@dataclass(frozen=True)
class Verdict:
    """The verdict on a run.

    Attributes:
        word: One of those above.
        phrases: Why, or what it is about.
        counts: Counts by implementation.
    """

    word: str
    phrases: tuple[str, ...]
    counts: dict[str, Tally] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """``"good"`` only if the run is complete and everything conforms."""
        if self.word == CONFORMS:
            return "good"
        return "bad" if self.word in (DEVIATES, DOUBTED) else "care"


def verdict(evidence: Evidence) -> Verdict:
    """Decides what a run amounts to.

    Args:
        evidence: What is there.

    Returns:
        Where the harness is in doubt nothing counts. A deviation counts at once;
        without one, only a complete run conforms.
    """
    if evidence.run is None:
        return Verdict(NO_DATA, ("There is no readable report.json.",))
    counts = tallies(evidence.impls, evidence.run.results)
    cut = interruption(evidence.run)
    partly = coverage.sentences(evidence.run.results)
    found = reasons(counts)
    doubts = evidence.run.closing.get("doubts")
    if doubts:
        return Verdict(DOUBTED, tuple(map(str, doubts)), counts)
    deviates = any(t.statuses[status] for t in counts.values() for status in FAULTS)
    if deviates or (found and not cut):
        return Verdict(DEVIATES, (*found, *cut, *partly), counts)
    if cut:
        return Verdict(INCOMPLETE, (*cut, *partly), counts)
    compared = sum(tally.compared for tally in counts.values())
    about = f"{', '.join(counts)}: {counted(compared, 'number')} compared"
    return Verdict(CONFORMS, (about, *partly), counts)


def interruption(run: Stored) -> list[str]:
    """Says that a run is not complete, in one phrase at most."""
    if not run.closing:
        return ["the run was cut off before its end"]
    return ["the run was interrupted"] if run.closing.get("interrupted", True) else []


def narrowing(run: Stored) -> str:
    """Says what keeps a run from showing that a level is held; empty for nothing."""
    options = run.header.get("options", {})
    if run.closing.get("doubts"):
        return "the harness itself is in doubt"
    if options.get("select"):
        return f"only --select {options['select']!r} was asked"
    if options.get("quick"):
        return "a --quick run asks few cases"
    return next(iter(interruption(run)), "")


@lru_cache(maxsize=1)
def standings(run: Stored) -> dict[tuple[str, str], Standing]:
    """Says where every implementation stands in every operation.

    Every badge and table asks this of the same run, so it is kept.

    Args:
        run: The run, complete.

    Returns:
        Standings by implementation and operation. What a narrowed run did not see lost
        is not known to be held.
    """
    asked = run.header.get("options", {}).get("profile", [])
    found = levels.standings(run.results, asked)
    if narrowing(run):
        for standing in found.values():
            for level, state in standing.levels.items():
                standing.levels[level] = UNKNOWN if state == HELD else state
    return found


@dataclass(frozen=True)
class Reach:
    """How far an implementation, or one of its operations, has come.

    Attributes:
        level: The highest level that is held with all below it; ``NO_LEVEL`` where
            the lowest is lost; empty where it is not known.
        dtypes: Those in which numbers were compared.
        operations: How many operations were judged.
        among: How many there are.
        partial: Whether in one of them more was declined than judged.
    """

    level: str
    dtypes: tuple[str, ...]
    operations: int
    among: int
    partial: bool = False


def reach(run: Stored, impl: str, operation: str = "") -> Reach:
    """Sums up the standings of an implementation.

    Args:
        run: The run.
        impl: Implementation, as given to ``--impl``.
        operation: One operation; all that it has by default.

    Returns:
        The lowest level reached over them.
    """
    found = {
        key: standing
        for key, standing in standings(run).items()
        if key[0] == impl and operation in ("", key[1])
    }
    judged = list(levels.of_implementation(found, impl))
    level = levels.lowest(standing.reached for standing in judged)
    if any(standing.levels[DEFINITION] == LOST for standing in judged):
        level = NO_LEVEL
    dtypes = {
        result.dtype
        for result in run.results
        if (result.impl, result.operation) in found and result.compared
    }
    known = tuple(dtype for dtype in UNIT_ROUNDOFF if dtype in dtypes)
    partial = any(standing.partial for standing in judged)
    return Reach(level, known, len(judged), len(found), partial)


def faults(results: Iterable[Result]) -> Iterator[Result]:
    """Yields what failed or broke."""
    return (result for result in results if result.status in FAULTS)


def place(name: str, known: Iterable[str]) -> int:
    """Where a name stands among those that are known; at the end if nowhere."""
    names = list(known)
    return names.index(name) if name in names else len(names)


# Levels with their states.
Ladder = list[tuple[str, str]]


def ladders(evidence: Evidence) -> list[tuple[str, list[Ladder | None]]]:
    """States of all levels, by operation and implementation.

    Args:
        evidence: What is there.

    Returns:
        For every operation the ladders in the order of the implementations; None
        where one does not have it.
    """
    if evidence.run is None:
        return []
    found = standings(evidence.run)
    rows = []
    names = dict.fromkeys(operation for _, operation in found)
    for operation in sorted(names, key=lambda name: place(name, OPERATIONS)):
        own = [found.get((impl, operation)) for impl in evidence.impls]
        steps = [
            [(level, one.levels[level]) for level in LEVELS]
            if one and one.judged
            else None
            for one in own
        ]
        rows.append((operation, steps))
    return rows
