"""Runs profiles on implementations and streams the results to a report."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from conformance import vectors
from conformance.errors import UsageError
from conformance.lanes import side_by_side
from conformance.plan import Cases, Judged, Options, choose, missing, start, units
from conformance.profiles import Result, Unit, batches, evaluate
from conformance.report import terminal
from conformance.report.counts import exit_status, tallies
from conformance.report.header import differences, header
from conformance.report.stream import Stream, read


def run(options: Options, console: Console) -> int:
    """Runs the suite.

    Args:
        options: What to run.
        console: Where progress and summary go.

    Returns:
        Exit status: 0 conforms, 1 deviates or nothing was compared, 2 an adapter is at
        fault, 130 interrupted.

    Raises:
        UsageError: What was asked for does not exist or cannot be run here.
    """
    began = time.monotonic()
    cases = choose(options)
    if not any(groups or sums for groups, sums in cases.values()):
        console.print(
            f"--select: nothing compared, {options.select!r} matches no case."
        )
        return 1
    judged = [start(name, options.device) for name in options.impls]
    if all(one.device != options.device for one in judged):
        raise UsageError(
            f"--device: expected an implementation that uses {options.device}, "
            f"got {', '.join(options.impls)}."
        )
    path = options.out / "report.json"
    frameworks = [one.capabilities.framework for one in judged]
    head = header(vectors.manifest(), options.identity(), frameworks)
    results = _earlier(path, head) if options.resume else []
    interrupted = False
    with _open(path, head, results) as stream, contextlib.ExitStack() as stack:
        for one in judged:
            stack.callback(one.adapter.stop)
        try:
            for new in _evaluate_all(judged, options, cases, results, console):
                results += new
                stream.write(new)
        except KeyboardInterrupt:
            interrupted = True
        counts = tallies(options.impls, results)
        record = {name: tally.record() for name, tally in counts.items()}
        stream.conclude(record, interrupted=interrupted)
    if interrupted:
        return terminal.interrupted(console, f"{len(results)} results", path)
    for part in terminal.summary(results, counts, time.monotonic() - began, str(path)):
        console.print(part, soft_wrap=isinstance(part, Text))
    return exit_status(counts)


def _open(path: Path, head: dict[str, Any], results: Sequence[Result]) -> Stream:
    try:
        return Stream(path, head, results)
    except OSError as error:
        raise UsageError(f"--out: cannot write {path} ({error.strerror}).") from error


def _earlier(path: Path, head: dict[str, Any]) -> list[Result]:
    """Reads the results to continue from."""
    if not path.exists():
        return []
    try:
        stored = read(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"--resume: {error}.") from error
    changed = differences(stored.header, head)
    if changed:
        raise UsageError(
            f"--resume: {path} is of another run; {'; '.join(changed)}. "
            "Choose another --out, or leave --resume out to start afresh."
        )
    results = [result for result in stored.results if result.profile != "all"]
    if stored.closing.get("interrupted", True) and results:
        # Units are written in order, so only the last one can be incomplete.
        last = _unit(results[-1])
        results = [result for result in results if _unit(result) != last]
    return results


def _unit(result: Result) -> tuple[str, ...]:
    return (result.impl, *result.unit_key)


def _evaluate_all(
    judged: Sequence[Judged],
    options: Options,
    cases: Cases,
    earlier: Sequence[Result],
    console: Console,
) -> Iterator[list[Result]]:
    """Yields the results of each batch that is not among the earlier results."""
    done = {_unit(result) for result in earlier}
    # One lane for each framework: its adapters may share global settings.
    lanes: dict[str, list[tuple[Judged, str, list[Unit]]]] = {}
    for one in judged:
        yield list(missing(one, cases))
        for profile in options.profiles:
            asked = units(one, profile, cases, quick=options.quick)
            rest = [unit for unit in asked if (one.name, *unit.key) not in done]
            if rest:
                lane = lanes.setdefault(one.capabilities.framework, [])
                lane.append((one, profile, rest))
    total = sum(len(rest) for lane in lanes.values() for _, _, rest in lane)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=total)
        for step in side_by_side([_steps(lane) for lane in lanes.values()]):
            progress.update(task, description=step.name, advance=step.units)
            if step.units == 0 and not console.is_terminal:
                console.print(f"{step.name}: {step.of} units")
            if step.results:
                yield step.results


@dataclass(frozen=True)
class _Step:
    """Something a lane has done: begun a profile, or evaluated a batch."""

    name: str
    of: int
    units: int = 0
    results: list[Result] = field(default_factory=list)


def _steps(lane: Sequence[tuple[Judged, str, list[Unit]]]) -> Iterator[_Step]:
    for one, profile, rest in lane:
        name = f"{one.name} {profile}"
        yield _Step(name, len(rest))
        for batch in batches(rest):
            results = evaluate(batch, one.adapter, one.name, one.device, one.limit)
            yield _Step(name, len(rest), len(batch.units), list(results))
