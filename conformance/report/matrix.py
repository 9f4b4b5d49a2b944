"""The matrix of libraries for people, for JSON and for the README."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.levels import HELD, LOST
from conformance.matrix.judge import GONE, NOT_CHECKED, REPRODUCED, Judged, Outcome
from conformance.matrix.known import LEVELS
from conformance.peers import Library
from conformance.registry import OPERATIONS
from conformance.report.terminal import titled

OTHER, ABSENT, UNKNOWN = "other", "absent", "unknown"
MARKS = {HELD: "●", LOST: "○", OTHER: "◐", ABSENT: "\N{EN DASH}", UNKNOWN: "?"}
WORDS = {HELD: "held", LOST: "lost", OTHER: "conv.", ABSENT: "-", UNKNOWN: "?"}
LEGEND = {
    HELD: "held",
    LOST: "lost",
    OTHER: "held but for another convention",
    ABSENT: "not offered",
}
MAX_SHOWN = 20


def level(judged: Judged, operation: str, name: str) -> str:
    """Says how a library stands at a level of an operation.

    Args:
        judged: The library.
        operation: Name of the operation.
        name: Name of the level.

    Returns:
        ``"held"``, ``"lost"``, ``"other"`` for what is held but for another
        convention, ``"absent"`` or ``"unknown"``.
    """
    standing = judged.standings.get(operation)
    if standing is None or not standing.judged:
        return ABSENT
    held = standing.levels[name]
    apart = any(r.lost == name for r in judged.set_apart.get(operation, ()))
    return OTHER if held == HELD and apart else held


def summary(
    libraries: Sequence[Library], judged: Mapping[str, Judged], console: Console
) -> Iterator[Table | Text]:
    """Yields the table, and what reproduces of each library."""
    marks = MARKS if console.encoding.startswith("utf") else WORDS
    table = titled("libraries by operation and level")
    for name in ("library", "operation"):
        table.add_column(name, overflow="fold")
    for name in (*LEVELS, "compared", "failed", "conv.", "declined"):
        table.add_column(name, justify="right", no_wrap=True)
    for library in libraries:
        if not library.installed:
            table.add_row(library.name, "not installed")
        elif judged[library.name].reason:
            table.add_row(f"{library.name} {library.version}", "not judged")
        for operation in _offered(judged[library.name]):
            standing = judged[library.name].standings[operation]
            table.add_row(
                f"{library.name} {library.version}",
                operation,
                *(marks[level(judged[library.name], operation, n)] for n in LEVELS),
                str(standing.compared),
                str(sum(map(len, standing.losses.values()))),
                str(len(judged[library.name].set_apart.get(operation, ()))),
                str(standing.declined),
            )
    yield table
    yield Text(", ".join(f"{marks[k]} {words}" for k, words in LEGEND.items()))
    for library in libraries:
        for kind, title in (("deviation", "deviates"), ("choice", "chooses")):
            own = [
                outcome
                for outcome in judged[library.name].outcomes
                if outcome.known.kind == kind and outcome.status == REPRODUCED
            ]
            if own:
                yield Text(f"\n{library.name} {library.version} {title}", style="bold")
            yield from (Text(f"  {sentence(outcome)}") for outcome in own)


def sentence(outcome: Outcome) -> str:
    """Says in one line what an entry is about."""
    known = outcome.known
    deviates = known.kind == "deviation"
    verb = "deviates from" if deviates else "chooses otherwise than"
    where = f"{known.operation} {verb} clause {known.clause}"
    lost = f", loses {known.level}" if known.level else ""
    return (
        f"{where}{lost} in {outcome.results} results ({known.id}): {known.observed}. "
        f"{known.cause}"
    )


def _offered(judged: Judged) -> list[str]:
    return [op for op in OPERATIONS if level(judged, op, "L0") != ABSENT]


def problems(judged: Mapping[str, Judged]) -> list[str]:
    """Says what is not as listed; the command fails if there is anything."""
    found = [*_silent(judged)]
    for name, one in judged.items():
        for outcome in one.outcomes:
            entry = f"{name} {outcome.known.operation}: {outcome.known.id}"
            if outcome.status == GONE:
                found.append(f"{entry} no longer reproduces")
            found += [f"{entry}: {fault}" for fault in outcome.faults]
        for result in one.unlisted:
            form = f"{result.output}, {result.dtype}, {result.reduction}"
            found.append(
                f"{name} unlisted: {result.group} ({result.profile}, {form}) loses "
                f"{result.lost}; {result.reason or _first(result)}"
            )
    every = [s for one in judged.values() for s in one.standings.values()]
    if not any(standing.compared for standing in every) and not found:
        found.append("nothing was compared")
    return list(dict.fromkeys(found))


def _silent(judged: Mapping[str, Judged]) -> Iterator[str]:
    for name, one in judged.items():
        if one.reason:
            yield f"{name} not judged: {one.reason}"


def _first(result: Any) -> str:
    if not result.failures:
        return "no reason given"
    first = result.failures[0]
    return f"{first.id} expected {first.expected!r}, got {first.actual!r}"


def verdict(
    found: Sequence[str], judged: Mapping[str, Judged], seconds: float, path: Path
) -> Iterator[Text]:
    """Yields what is not as listed, and the last line."""
    outcomes = [outcome for one in judged.values() for outcome in one.outcomes]
    for outcome in outcomes:
        known = outcome.known
        if outcome.status == NOT_CHECKED:
            name = f"{known.library} {known.operation}: {known.id}"
            yield Text(f"{name}: not checked for this version or selection")
    for line in found[:MAX_SHOWN]:
        yield Text(line, style="red")
    if len(found) > MAX_SHOWN:
        yield Text(f"and {len(found) - MAX_SHOWN} more in the report")
    kinds = [one.known.kind for one in outcomes if one.status == REPRODUCED]
    tail = (
        f"{kinds.count('deviation')} deviations and {kinds.count('choice')} choices "
        f"reproduce; {seconds:.1f} s, {path}"
    )
    if found and len(found) == len([*_silent(judged)]):
        yield Text(f"\nNOT JUDGED: {'; '.join(found)}; {tail}", "bold red")
    elif found:
        yield Text(f"\nNOT AS LISTED: {len(found)} differences; {tail}", "bold red")
    else:
        yield Text(f"\nAS LISTED: {tail}", "bold green")


def record(
    head: Mapping[str, Any],
    libraries: Sequence[Library],
    judged: Mapping[str, Judged],
    *,
    interrupted: bool,
) -> dict[str, Any]:
    """Returns the matrix as JSON knows it."""
    outcomes = [outcome for one in judged.values() for outcome in one.outcomes]
    entries = {
        kind: [_entry(outcome) for outcome in outcomes if outcome.known.kind == kind]
        for kind in ("deviation", "choice")
    }
    return {
        "header": dict(head),
        "interrupted": interrupted,
        "libraries": [_library(one, judged[one.name]) for one in libraries],
        "deviations": entries["deviation"],
        "choices": entries["choice"],
        "unlisted": [r.record() for one in judged.values() for r in one.unlisted],
        "problems": [] if interrupted else problems(judged),
    }


def _library(library: Library, judged: Judged) -> dict[str, Any]:
    operations = {}
    for operation in _offered(judged):
        standing = judged.standings[operation]
        apart = judged.set_apart.get(operation, [])
        operations[operation] = {
            "levels": {name: standing.levels[name] for name in LEVELS},
            "compared": standing.compared,
            "judged": standing.judged,
            "declined": standing.declined,
            "failed": {name: len(standing.losses.get(name, ())) for name in LEVELS},
            "set_apart": {n: sum(r.lost == n for r in apart) for n in LEVELS},
        }
    return {
        "name": library.name,
        "version": library.version,
        "framework": library.framework,
        "installed": library.installed,
        "not_judged": judged.reason,
        "operations": operations,
    }


def _entry(outcome: Outcome) -> dict[str, Any]:
    known = outcome.known
    choice = known.kind == "choice"
    return {
        "id": known.id,
        "library": known.library,
        "operation": known.operation,
        "versions": str(known.versions),
        **({} if choice else {"level": known.level}),
        "clause": known.clause,
        "observed": str(known.observed),
        "convention" if choice else "cause": known.cause,
        "thread": known.thread,
        "reproduction": known.reproduction,
        "status": outcome.status,
        "results": outcome.results,
        "faults": list(outcome.faults),
    }


def markdown(libraries: Sequence[Library], judged: Mapping[str, Judged]) -> Text:
    """Returns the table for the README, with the clauses as notes."""
    rows = ["| library | operation | L0 | L1 | L2 | deviates from |", "|" + "---|" * 6]
    for library in libraries:
        name = f"{library.name} {library.version}".strip()
        one = judged[library.name]
        if one.reason:
            rows.append(f"| {name} | not judged |  |  |  | {one.reason} |")
        for operation in _offered(one):
            marks = [MARKS[level(one, operation, level_)] for level_ in LEVELS]
            cells = (name, f"`{operation}`", *marks, _clauses(one, operation))
            rows.append(f"| {' | '.join(cells)} |")
            name = ""
    legend = ", ".join(f"{MARKS[key]} {words}" for key, words in LEGEND.items())
    return Text("\n" + "\n".join([*rows, "", f"{legend}."]))


def _clauses(judged: Judged, operation: str) -> str:
    """Names the clauses by the lowest level that is lost, and the conventions."""
    found: dict[str, dict[str, None]] = {}
    for outcome in judged.outcomes:
        known = outcome.known
        if known.operation == operation and outcome.results:
            found.setdefault(known.level or "convention", {})[known.clause] = None
    parts = (f"{lost}: {', '.join(clauses)}" for lost, clauses in sorted(found.items()))
    return "; ".join(parts)
