"""Runs the catalogue and writes the kill matrix."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from rich.console import Console
from rich.text import Text

from conformance import vectors
from conformance.adapters.crew import Crew
from conformance.errors import UsageError
from conformance.lanes import side_by_side
from conformance.mutants import kill_matrix
from conformance.mutants.bench import Bench, serve
from conformance.mutants.catalogue import HARNESS, Mutant, mutants
from conformance.mutants.harness_faults import ALL
from conformance.mutants.record import BROKEN, Record, of_mutant
from conformance.report.header import header
from conformance.report.progress import progress
from conformance.report.terminal import INTERRUPTED

# One mutant may start the processes of shards on a busy machine.
PATIENCE_S = 170.0
HERE = "here"


@dataclass(frozen=True)
class Options:
    """What the user asked for.

    Attributes:
        quick: One fault of each category and backend; no shards.
        select: Glob of names.
        out: Folder of the kill matrix.
    """

    quick: bool = False
    select: str = ""
    out: Path = Path("report")


def prove(options: Options, console: Console) -> int:
    """Shows that the suite can fail.

    Args:
        options: What to run.
        console: Where progress and kill matrix go.

    Returns:
        Exit status: 0 every fault was killed by its named case, no control was, and
        every fault of the harness turned a run red; 1 otherwise, or where nothing was
        run; 130 interrupted.

    Raises:
        UsageError: The folder cannot be written to.
    """
    began = time.perf_counter()
    names = chosen(options)
    if not names:
        console.print(f"--select: {options.select!r} matches no mutant.")
        return 1
    path = options.out / "prove.json"
    frameworks = {name.split("/")[0] for name in names} - {HARNESS}
    asked = {"device": "cpu", "quick": options.quick, "select": options.select}
    head = header(vectors.manifest(), asked, sorted(frameworks))
    records: list[Record] = []
    interrupted = False
    _write(path, head, records, interrupted=True)
    try:
        for record in _judged(names, console):
            records.append(record)
    except KeyboardInterrupt:
        interrupted = True
    records.sort(key=lambda record: names.index(record.name))
    _write(path, head, records, interrupted=interrupted)
    if interrupted:
        console.print(f"interrupted with {len(records)} mutants in {path}.")
        return INTERRUPTED
    seconds = time.perf_counter() - began
    whole = not (options.quick or options.select)
    for part in kill_matrix.parts(records, seconds, str(path), whole=whole):
        console.print(part, soft_wrap=isinstance(part, Text))
    missing = len(names) - len(records)
    if missing:
        console.print(f"{missing} mutants were asked and have no record.")
    return 1 if missing else kill_matrix.verdict(records)


def chosen(options: Options) -> list[str]:
    """Names of the mutants to be judged, in the order of the catalogue."""
    every = list(mutants())
    if options.quick:
        every = _few(every)
    names = [one.name for one in every] + [f"harness/{one.name}" for one in ALL]
    return [name for name in names if fnmatchcase(name, options.select or "*")]


def _few(every: Sequence[Mutant]) -> list[Mutant]:
    """One of each category and backend, without what takes processes of its own."""
    kept: dict[tuple[str, ...], Mutant] = {}
    for one in every:
        if one.category != "distributed" or one.backend == "numpy":
            kept.setdefault((one.kind, one.category, one.backend), one)
    return list(kept.values())


def _lane(name: str) -> str:
    """Says where a mutant is judged.

    The frameworks do not wait for each other in processes of their own; what is wrong
    with the harness is wrong for a whole process, hence not where others are judged.
    """
    first = name.split("/")[0]
    return first if first in ("torch", "jax") else HERE


def _judged(names: Sequence[str], console: Console) -> Iterator[Record]:
    """Yields records as they come, with a progress bar or plain lines."""
    lanes: dict[str, list[str]] = {}
    for name in names:
        lanes.setdefault(_lane(name), []).append(name)
    with contextlib.ExitStack() as stack, progress(console, len(names)) as shown:
        walks = [_walk(lane, own, stack) for lane, own in lanes.items()]
        for number, record in enumerate(side_by_side(walks), start=1):
            shown.at(record.name, advance=1)
            line = f"[{number}/{len(names)}] {record.name}: {record.status}"
            shown.line(f"{line}, {record.seconds:.1f} s")
            yield record


def _walk(
    lane: str, names: Sequence[str], stack: contextlib.ExitStack
) -> Iterator[Record]:
    """Judges the mutants of a lane."""
    if lane == HERE:
        bench = Bench()
        stack.callback(bench.close)
        return map(bench.judge, names)
    crew = Crew(serve, 1, patience_s=PATIENCE_S)
    stack.callback(crew.dismiss)
    return (_elsewhere(crew, name) for name in names)


def _elsewhere(crew: Crew, name: str) -> Record:
    """Has a mutant judged in a worker; one that ended is a record too."""
    answers = crew.ask(name, [None])
    if isinstance(answers, list):
        return answers[0]
    mutant = next(one for one in mutants() if one.name == name)
    return of_mutant(mutant, status=BROKEN, reason=str(answers))


def _write(
    path: Path, head: dict, records: Sequence[Record], *, interrupted: bool
) -> None:
    document = kill_matrix.document(head, records, interrupted=interrupted)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n")
    except OSError as error:
        raise UsageError(f"--out: cannot write {path} ({error.strerror}).") from error
