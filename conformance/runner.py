"""Runs profiles on implementations and streams the results to a report."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from conformance import vectors
from conformance.adapters.remembering import Remembering
from conformance.adapters.remote import Remote, one_worker
from conformance.errors import UsageError
from conformance.lanes import side_by_side
from conformance.plan import Cases, Judged, Options, choose, missing, start, units
from conformance.profiles import Check, Result, Unit, batches, evaluate
from conformance.report import terminal
from conformance.report.counts import exit_status, tallies
from conformance.report.header import differences, header
from conformance.report.stream import Stream, read

Asked = tuple[Judged, str, list[Unit | Check]]


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
    with contextlib.ExitStack() as stack:
        judged = _start(options, stack)
        plan = [
            (one, profile, list(units(one, profile, cases, options)))
            for one in judged
            for profile in options.profiles
        ]
        found = any(groups or sums for groups, sums in cases.values())
        if not found and not any(asked for _, _, asked in plan):
            console.print(
                f"--select: nothing compared, {options.select!r} matches no case."
            )
            return 1
        path = options.out / "report.json"
        results, interrupted = _write(path, plan, cases, options, console)
    counts = tallies(options.impls, results)
    if interrupted:
        return terminal.interrupted(console, f"{len(results)} results", path)
    for part in terminal.summary(results, counts, time.monotonic() - began, str(path)):
        console.print(part, soft_wrap=isinstance(part, Text))
    return exit_status(counts)


def _write(
    path: Path, plan: Sequence[Asked], cases: Cases, options: Options, console: Console
) -> tuple[list[Result], bool]:
    """Evaluates the plan into a report; returns the results, and if interrupted."""
    frameworks = dict.fromkeys(one.capabilities.framework for one, _, _ in plan)
    head = header(vectors.manifest(), options.identity(), list(frameworks))
    results = _earlier(path, head) if options.resume else []
    interrupted = False
    with _open(path, head, results) as stream:
        try:
            for new in _evaluate_all(plan, cases, options, results, console):
                results += new
                stream.write(new)
        except KeyboardInterrupt:
            interrupted = True
        counts = tallies(options.impls, results)
        record = {name: tally.record() for name, tally in counts.items()}
        stream.conclude(record, interrupted=interrupted)
    return results, interrupted


def _start(options: Options, stack: contextlib.ExitStack) -> list[Judged]:
    """Starts all implementations, to be stopped by the stack."""
    judged = []
    for name in options.impls:
        judged.append(start(name, options.device))
        stack.callback(judged[-1].adapter.stop)
    if all(one.device != options.device for one in judged):
        raise UsageError(
            f"--device: expected an implementation that uses {options.device}, "
            f"got {', '.join(options.impls)}."
        )
    return judged


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
    plan: Sequence[Asked],
    cases: Cases,
    options: Options,
    earlier: Sequence[Result],
    console: Console,
) -> Iterator[list[Result]]:
    """Yields the results of each batch that is not among the earlier results."""
    done = {_unit(result) for result in earlier}
    for one in dict.fromkeys(one for one, _, _ in plan):
        yield list(missing(one, cases))
    lanes: dict[Any, list[Asked]] = {}
    for one, profile, asked in plan:
        for lane, share in _split(one, asked).items():
            rest = [unit for unit in share if (one.name, *unit.key) not in done]
            if rest:
                lanes.setdefault(lane, []).append((one, profile, rest))
    total = sum(len(rest) for lane in lanes.values() for _, _, rest in lane)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=total)
        # Workers take some seconds to start, and would divide the memory of a GPU.
        apart = len(lanes) > 1 and options.device == "cpu" and not options.quick
        steps = [_steps(lane, apart=apart) for lane in lanes.values()]
        for step in side_by_side(steps):
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


def _split(one: Judged, asked: Sequence[Unit | Check]) -> dict[Any, list[Unit | Check]]:
    """Distributes units over lanes.

    There is one lane for each framework, since its adapters may share global settings;
    two where the adapter does not mind, whose operations take turns.
    """
    framework, lanes = one.capabilities.framework, {}
    width = 2 if one.capabilities.concurrent else 1
    for unit in asked:
        turn = one.capabilities.operations.index(unit.operation) % width
        lanes.setdefault((framework, turn), []).append(unit)
    return lanes


def _steps(lane: Sequence[Asked], *, apart: bool) -> Iterator[_Step]:
    """Walks through a lane, in a process of its own if it is to be apart."""
    with contextlib.ExitStack() as stack:
        crew = one_worker() if apart else None
        if crew:
            stack.callback(crew.dismiss)
        for one, asked in groupby(lane, key=lambda asked: asked[0]):
            adapter = Remote(one.name, crew) if crew else one.adapter
            memory = Remembering(adapter)
            for _, profile, rest in asked:
                name = f"{one.name} {profile}"
                yield _Step(name, len(rest))
                for batch in batches(rest):
                    check = isinstance(batch, Check)
                    size = 1 if check else len(batch.units)
                    source = adapter if check else memory
                    results = evaluate(batch, source, one.name, one.device, one.limit)
                    yield _Step(name, len(rest), size, list(results))
