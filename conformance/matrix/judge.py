"""Holds what libraries do against what is known of them, strictly both ways."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from conformance.levels import Standing, standings
from conformance.matrix.known import Known
from conformance.profiles import Result
from conformance.registry import GENERAL, OPERATIONS
from conformance.registry.citations import clauses

PROFILES = (
    "accuracy",
    "gradients",
    "reductions",
    "semantics",
    "dtypes",
    "bad_input",
    "transforms",
    "witness",
)
REPRODUCED, GONE = "reproduced", "gone"
NOT_CHECKED, NOT_INSTALLED = "not checked", "not installed"
# Of what a selector matches at least this share must fail: what mostly passes is not
# described by it.
NARROW = 0.5


@dataclass(frozen=True)
class Outcome:
    """What became of an entry.

    Attributes:
        known: The entry, about one operation.
        status: ``"reproduced"``, ``"gone"``, ``"not checked"`` or ``"not installed"``.
        results: Failed results that it covers.
        faults: What does not hold of the entry itself, in words.
    """

    known: Known
    status: str
    results: int = 0
    faults: tuple[str, ...] = ()


@dataclass
class Judged:
    """How a library stands.

    Attributes:
        outcomes: What became of each entry.
        standings: Levels by operation, without what is another convention.
        set_apart: Results of another convention by operation.
        unlisted: Failed results that no entry covers.
        reason: Why it was not judged, in words; empty where it was.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    standings: dict[str, Standing] = field(default_factory=dict)
    set_apart: dict[str, list[Result]] = field(default_factory=dict)
    unlisted: list[Result] = field(default_factory=list)
    reason: str = ""


def judge(
    version: str, results: Sequence[Result], known: Sequence[Known], *, quick: bool
) -> Judged:
    """Judges one library.

    Args:
        version: Its installed version; empty where it is not installed.
        results: Of all its operations.
        known: What is known of it.
        quick: Whether few cases stood for all, so that an entry may match none.

    Returns:
        Outcomes, levels and what is not listed.
    """
    entries: dict[tuple[str, str], list[Known]] = {}
    for one in known:
        entries.setdefault((one.kind, one.id), []).append(one)
    if version and entries and not any(e[0].applies(version) for e in entries.values()):
        # What it does has nothing to be compared with.
        return not_judged(version, known, "nothing is listed for this version")
    found = Judged()
    covered: set[int] = set()
    apart: set[int] = set()
    for (kind, _), entry in entries.items():
        if not (version and entry[0].applies(version)):
            found.outcomes += _unasked(version, entry)
            continue
        covers = _covered(entry, results)
        covered |= covers
        if kind == "choice":
            apart |= covers
        found.outcomes += _outcomes(entry, results, covers, quick=quick)
    kept = [result for i, result in enumerate(results) if i not in apart]
    for (_, operation), standing in standings(kept, PROFILES).items():
        found.standings[operation] = standing
    for i in sorted(apart):
        found.set_apart.setdefault(results[i].operation, []).append(results[i])
    found.unlisted = [
        result for i, result in enumerate(results) if result.lost and i not in covered
    ]
    return found


def not_judged(version: str, known: Iterable[Known], reason: str) -> Judged:
    """Says of a library that it was not judged, whatever it answered.

    Args:
        version: Its installed version; empty where it is not installed.
        known: What is known of it.
        reason: Why, in words.

    Returns:
        No levels; entries that were not checked, and nothing that is not listed.
    """
    return Judged(outcomes=[*_unasked(version, known)], reason=reason)


def _unasked(version: str, known: Iterable[Known]) -> Iterable[Outcome]:
    status = NOT_CHECKED if version else NOT_INSTALLED
    return (Outcome(one, status, 0, _clause(one)) for one in known)


def _covered(entry: Sequence[Known], results: Sequence[Result]) -> set[int]:
    """Says which failed results an entry is the reason of."""
    operations = {one.operation for one in entry}
    return {
        i
        for i, result in enumerate(results)
        if result.operation in operations
        and _explains(entry[0], result)
        and any(selector.matches(result) for selector in entry[0].selectors)
    }


def _explains(one: Known, result: Result) -> bool:
    """Whether an entry may be the reason.

    What loses more than it says is another, and what departs from other clauses.
    """
    severe = one.kind == "choice" or result.lost >= one.level
    return bool(result.lost) and severe and one.clause in result.clauses


def _outcomes(
    entry: Sequence[Known],
    results: Sequence[Result],
    covers: set[int],
    *,
    quick: bool,
) -> Iterable[Outcome]:
    """Yields what became of an entry in each of its operations."""
    faults = _faults(entry, results, covers, quick=quick)
    for one in entry:
        own = [i for i in covers if results[i].operation == one.operation]
        matched = [
            result
            for result in results
            if result.operation == one.operation
            and _asked(result)
            and any(selector.matches(result) for selector in one.selectors)
        ]
        if own:
            yield Outcome(one, REPRODUCED, len(own), (*_clause(one), *faults))
        elif quick and (not matched or any(result.lost for result in matched)):
            # Few cases do not show it, or only together with something worse.
            yield Outcome(one, NOT_CHECKED, 0, _clause(one))
        else:
            yield Outcome(one, GONE, 0, _clause(one))


def _faults(
    entry: Sequence[Known],
    results: Sequence[Result],
    covers: set[int],
    *,
    quick: bool,
) -> tuple[str, ...]:
    """Says where an entry is not what it says, in all of its operations together."""
    first, found = entry[0], []
    operations = {one.operation for one in entry}
    lost = min((results[i].lost for i in covers), default=first.level)
    # Few cases may lose less than all do.
    if first.kind == "deviation" and lost != first.level and not quick:
        found.append(f"level: listed as {first.level}, loses {lost}")
    for number, selector in enumerate(first.selectors, 1):
        matched = [
            result
            for result in results
            if result.operation in operations
            and _asked(result)
            and selector.matches(result)
        ]
        failed = sum(bool(result.lost) for result in matched)
        if quick:
            # Few cases may show nothing of it.
            continue
        if not failed:
            found.append(f"selector {number} matches nothing that fails")
        elif not any(_explains(first, result) for result in matched):
            severe = f" losing at most {first.level}" * bool(first.level)
            found.append(f"selector {number}: no result cites {first.clause}{severe}")
        elif failed < NARROW * len(matched):
            share = f"{failed} of {len(matched)} results fail"
            found.append(f"selector {number} is too wide: {share}")
    return tuple(found)


def _asked(result: Result) -> bool:
    return result.status not in ("skipped", "not_implemented")


def _clause(one: Known) -> tuple[str, ...]:
    """Says that a clause is none, or none of the operation's."""
    if one.clause not in clauses():
        return (f"clause {one.clause} does not exist",)
    if one.clause not in {**GENERAL, **OPERATIONS[one.operation].clauses}:
        return (f"clause {one.clause} is not about {one.operation}",)
    return ()
