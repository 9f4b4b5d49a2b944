"""Judges libraries by the specification and by what is known of them."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from conformance import vectors
from conformance.adapters.remembering import Remembering
from conformance.errors import UsageError
from conformance.lanes import side_by_side
from conformance.matrix.judge import PROFILES, Judged, judge, not_judged
from conformance.matrix.known import Known, load
from conformance.matrix.questions import questions
from conformance.peers import LIBRARIES, Library
from conformance.peers.libraries import PREFIX
from conformance.plan import Judged as Started
from conformance.plan import Options as Selection
from conformance.plan import choose, start, units
from conformance.profiles import Check, Result, Unit, batches, evaluate
from conformance.report import matrix as report
from conformance.report.header import header
from conformance.report.progress import progress
from conformance.report.terminal import INTERRUPTED

TRANSFORMS = ("hessian",)
LONGEST = 2000


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    libraries: Sequence[str] = tuple(LIBRARIES)
    quick: bool = False
    out: Path = Path("report")
    table: bool = False

    def identity(self) -> dict[str, Any]:
        """The options that decide what is compared."""
        names = list(self.libraries)
        return {"libraries": names, "device": "cpu", "quick": self.quick}


@dataclass
class Run:
    """What was found so far.

    Attributes:
        results: Results by library.
        interrupted: Whether the user stopped it.
    """

    results: dict[str, list[Result]] = field(default_factory=dict)
    interrupted: bool = False


def matrix(options: Options, console: Console) -> int:
    """Runs the matrix.

    Args:
        options: What to run.
        console: Where progress and tables go.

    Returns:
        Exit status: 0 everything is as listed, 1 it is not or nothing was compared,
        130 interrupted.

    Raises:
        UsageError: A file of deviations is malformed, or the report cannot be written.
    """
    began = time.perf_counter()
    known = load()
    chosen = [LIBRARIES[name] for name in options.libraries]
    path = options.out / "matrix.json"
    run = _evaluate(chosen, options, console)
    judged = {one.name: _judged(one, run, known, options) for one in chosen}
    _write(
        path,
        report.record(
            _header(options, chosen), chosen, judged, interrupted=run.interrupted
        ),
    )
    if run.interrupted:
        done = sum(map(len, run.results.values()))
        console.print(f"interrupted: {done} results in {path}, nothing was judged")
        return INTERRUPTED
    seconds = time.perf_counter() - began
    for part in report.summary(chosen, judged, console):
        console.print(part, soft_wrap=True)
    if options.table:
        console.print(report.markdown(chosen, judged), soft_wrap=True)
    problems = report.problems(judged)
    for line in report.verdict(problems, judged, seconds, path):
        console.print(line, soft_wrap=True)
    return 1 if problems else 0


def _judged(
    library: Library, run: Run, known: Sequence[Known], options: Options
) -> Judged:
    own = [entry for entry in known if entry.library == library.name]
    version = library.version if library.name in run.results else ""
    if run.interrupted:
        # What is missing would look as if it were repaired.
        return not_judged(version, own, "interrupted")
    results = run.results.get(library.name, [])
    return judge(version, results, own, quick=options.quick)


def _header(options: Options, chosen: Sequence[Library]) -> dict[str, Any]:
    frameworks = {one.framework for one in chosen if one.installed}
    head = header(vectors.manifest(), options.identity(), sorted(frameworks))
    found = {one.packages[0]: one.version or "absent" for one in chosen}
    return {**head, "versions": {**found, **head["versions"]}}


def _write(path: Path, record: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(record, indent=1, allow_nan=False) + "\n", "utf-8")
    except OSError as error:
        raise UsageError(f"--out: cannot write {path} ({error.strerror}).") from error


def _evaluate(chosen: Sequence[Library], options: Options, console: Console) -> Run:
    """Asks every installed library everything, with progress."""
    run = Run()
    with contextlib.ExitStack() as stack:
        lanes: dict[str, list[tuple[Started, list[Unit | Check]]]] = {}
        for library in chosen:
            if library.installed:
                one = start(f"{PREFIX}{library.name}", "cpu")
                stack.callback(one.adapter.stop)
                share = list(asked(one, library, quick=options.quick))
                # keras has processes of its own; the rest of a framework shares one.
                lane = library.name if library.keras else library.framework
                lanes.setdefault(lane, []).append((one, share))
                run.results[library.name] = []
        total = sum(len(share) for lane in lanes.values() for _, share in lane)
        shown = stack.enter_context(progress(console, total))
        try:
            for step in side_by_side([_steps(lane) for lane in lanes.values()]):
                shown.at(step.what, advance=step.units)
                if step.begins:
                    shown.line(f"{step.what}: {step.begins} units")
                run.results[step.library] += step.results
        except KeyboardInterrupt:
            run.interrupted = True
    return run


def asked(one: Started, library: Library, *, quick: bool) -> Iterator[Unit | Check]:
    """Yields what is asked of a library.

    Args:
        one: The library, started.
        library: What is known of how it runs.
        quick: Whether few cases stand for all.
    """
    selection = Selection((one.name,), PROFILES, quick=quick)
    cases = choose(selection)
    for profile in PROFILES[:-1]:
        for unit in units(one, profile, cases, selection):
            if not _of_the_framework(unit):
                yield unit
    for operation in one.capabilities.operations:
        yield from questions(operation, library.framework)


def _of_the_framework(unit: Unit | Check) -> bool:
    """Whether the framework answers for it, and not a loss on top of it.

    So it is with transforms, but that the Hessian shows what a formula does, and with
    adding up many numbers.
    """
    if unit.profile == "transforms":
        return unit.transform not in TRANSFORMS
    tile = getattr(getattr(unit, "case", None), "tile", 0)
    return tile > LONGEST


@dataclass(frozen=True)
class _Step:
    """Something a lane has done."""

    library: str
    what: str
    begins: int = 0
    units: int = 0
    results: Sequence[Result] = ()


def _steps(lane: Sequence[tuple[Started, list[Unit | Check]]]) -> Iterator[_Step]:
    for one, every in lane:
        library = one.name.removeprefix(PREFIX)
        for operation in dict.fromkeys(unit.operation for unit in every):
            share = [unit for unit in every if unit.operation == operation]
            what = f"{library} {operation}"
            yield _Step(library, what, begins=len(share))
            memory = Remembering(one.adapter)
            for batch in batches(share):
                check = isinstance(batch, Check)
                source = one.adapter if check else memory
                found = evaluate(batch, source, one.name, one.device, one.limit)
                results = list(found)
                size = 1 if check else len(batch.units)
                yield _Step(library, what, units=size, results=results)
