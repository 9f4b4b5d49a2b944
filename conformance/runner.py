"""Runs profiles on implementations and streams the results to a report."""

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from conformance import canaries, ratchet, vectors
from conformance.adapters.exec_runtime import ExecAdapter
from conformance.adapters.remembering import Remembering
from conformance.adapters.remote import Remote, one_worker
from conformance.adapters.stopwatch import Timed
from conformance.errors import UsageError
from conformance.lanes import side_by_side
from conformance.plan import (
    Cases,
    Judged,
    Options,
    choose,
    missing,
    start,
    units,
    unreported,
)
from conformance.profiles import Check, Result, Unit, batches, evaluate
from conformance.report import coverage, seconds, standing, terminal
from conformance.report.counts import exit_status, tallies
from conformance.report.header import differences, header
from conformance.report.progress import progress
from conformance.report.stream import Stream, read
from conformance.timings import Lane, Timings

# What one profile asks of an implementation.
Asked = tuple[Judged, Sequence[Unit | Check]]


def run(options: Options, console: Console) -> int:
    """Runs the suite.

    Args:
        options: What to run.
        console: Where progress and summary go.

    Returns:
        Exit status: 0 conforms, 1 deviates or nothing was compared, 2 an adapter or the
        harness itself is at fault, 130 interrupted.

    Raises:
        UsageError: What was asked for does not exist or cannot be run here.
    """
    timings = Timings()
    # Read before the work, so that a mistake costs none.
    kept = ratchet.load(options.ratchet) if options.ratchet else None
    with timings.phase("vectors"):
        cases = choose(options)
    with contextlib.ExitStack() as stack:
        with timings.phase("implementations"):
            judged = _start(options, stack)
        with timings.phase("plan"):
            plan = [
                (one, list(units(one, profile, cases, options)))
                for one in judged
                for profile in options.profiles
            ]
        found = any(groups or sums for groups, sums in cases.values())
        if not found and not any(asked for _, asked in plan):
            console.print(
                f"--select: nothing compared, {options.select!r} matches no case."
            )
            return 1
        with timings.phase("canaries"):
            seen = canaries.judge()
        path = options.out / "report.json"
        # A harness that sees nothing judges nothing.
        asked = plan if seen.trusted else []
        results, interrupted, doubts = _write(
            path, asked, cases, options, console, timings, seen
        )
    counts = tallies(options.impls, results)
    if interrupted:
        terminal.interrupted(console, f"{len(results)} results", path)
        _report(options, console)
        return terminal.INTERRUPTED
    taken = seconds.record(timings)
    parts = terminal.summary(results, counts, taken["seconds"], str(path))
    lines = coverage.sentences(results)
    if not (options.quick or options.select):
        lines += standing.sentences(results, options.profiles)
    parts[-1:-1] = [Text(line) for line in lines]
    if seen.trusted:
        for part in (*(seconds.tables(taken) if options.timings else ()), *parts):
            console.print(part, soft_wrap=isinstance(part, Text))
    for doubt in doubts:
        console.print(Text(doubt, style="bold red"), soft_wrap=True)
    status = 2 if doubts else exit_status(counts)
    status = status or _held(kept, options, results, console)
    # Last, so that a file that cannot be written keeps nobody from the verdict.
    _report(options, console)
    return status


def _held(
    kept: dict[str, Any] | None,
    options: Options,
    results: Sequence[Result],
    console: Console,
) -> int:
    """Compares what conforms with the errors of the past; returns the exit status."""
    if kept is None or options.ratchet is None:
        return 0
    lines, status = ratchet.check(
        kept,
        ratchet.here(options.device),
        results,
        quick=options.quick,
        complete=options.complete,
        known=ratchet.must_know(options.ratchet),
    )
    for line in lines:
        console.print(line, soft_wrap=True)
    return status


def _doubts(
    seen: canaries.Verdict, asked: Sequence[Asked], results: Sequence[Result]
) -> list[str]:
    """Says why the harness itself is not to be trusted, if there is a reason."""
    lost = unreported(asked, results)
    found = [] if seen.trusted else [seen.reason]
    if lost:
        found.append(f"the harness lost {len(lost)} answers, of {lost[0]} first.")
    return found


def _report(options: Options, console: Console) -> None:
    if not options.reports:
        return
    # Their templates are of no use to a run without them.
    from conformance.report.writer import write_reports

    write_reports(options.out, options.reports, console)


def _write(
    path: Path,
    plan: Sequence[Asked],
    cases: Cases,
    options: Options,
    console: Console,
    timings: Timings,
    seen: canaries.Verdict,
) -> tuple[list[Result], bool, list[str]]:
    """Evaluates the plan into a report.

    Returns:
        The results, whether it was interrupted, and doubts about the harness.
    """
    frameworks = dict.fromkeys(one.capabilities.framework for one, _ in plan)
    head = header(vectors.manifest(), options.identity(), list(frameworks))
    head["canaries"] = seen.record()
    results = _earlier(path, head) if options.resume else []
    lanes = _lanes(plan, results)
    interrupted = False
    with _open(path, head, results) as stream:
        for one in dict.fromkeys(one for one, _ in plan):
            new = list(missing(one, cases))
            results += new
            stream.write(new)
        try:
            with timings.phase("lanes"):
                for new in _evaluate_all(lanes, options, console, timings):
                    results += new
                    stream.write(new)
        except KeyboardInterrupt:
            interrupted = True
        counts = tallies(options.impls, results)
        record = {name: tally.record() for name, tally in counts.items()}
        taken = seconds.record(timings)
        doubts = [] if interrupted else _doubts(seen, plan, results)
        stream.conclude(
            record,
            interrupted=interrupted,
            seconds=taken["seconds"],
            doubts=doubts,
            timings=taken if options.timings else None,
        )
    return results, interrupted, doubts


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


def _lanes(plan: Sequence[Asked], earlier: Sequence[Result]) -> dict[Any, list[Asked]]:
    """Distributes what is not among the earlier results over lanes.

    A lane finishes one operation before it begins another, since the profiles of an
    operation share answers and compilations.
    """
    done = {_unit(result) for result in earlier}
    lanes: dict[Any, list[Asked]] = {}
    for one, asked in groupby(plan, key=lambda asked: asked[0]):
        turns: dict[str, list[Asked]] = {}
        for _, every in asked:
            for operation, share in _by_operation(every).items():
                rest = [unit for unit in share if (one.name, *unit.key) not in done]
                if rest:
                    turns.setdefault(operation, []).append((one, rest))
        for operation, share in turns.items():
            lanes.setdefault(_lane(one, operation), []).extend(share)
    return lanes


def _by_operation(asked: Iterable[Unit | Check]) -> dict[str, list[Unit | Check]]:
    found: dict[str, list[Unit | Check]] = {}
    for unit in asked:
        found.setdefault(unit.operation, []).append(unit)
    return found


def _lane(one: Judged, operation: str) -> tuple[str, int]:
    """Says in which lane an operation is.

    There is one lane for each framework, since its adapters may share global settings;
    two where the adapter does not mind, whose operations take turns.
    """
    width = 2 if one.capabilities.concurrent else 1
    turn = one.capabilities.operations.index(operation) % width
    return one.capabilities.framework, turn


def _evaluate_all(
    lanes: dict[Any, list[Asked]],
    options: Options,
    console: Console,
    timings: Timings,
) -> Iterator[list[Result]]:
    """Yields the results of each batch."""
    sizes = Counter[str]()
    for one, rest in (asked for lane in lanes.values() for asked in lane):
        sizes[_name(one, rest)] += len(rest)
    with progress(console, sizes.total()) as shown:
        # Workers take some seconds to start, and would divide the memory of a GPU.
        apart = len(lanes) > 1 and options.device == "cpu" and not options.quick
        steps = [
            _steps(lane, timings.lane(f"{framework} {turn + 1}"), apart=apart)
            for (framework, turn), lane in lanes.items()
        ]
        for step in side_by_side(steps, let_go=lambda: _let_go(lanes)):
            shown.at(step.name, advance=step.units)
            if step.name in sizes:
                shown.line(f"{step.name}: {sizes.pop(step.name)} units")
            if step.results:
                yield step.results


def _let_go(lanes: dict[Any, list[Asked]]) -> None:
    """Ends programs that a lane may be waiting for."""
    for one in dict.fromkeys(one for lane in lanes.values() for one, _ in lane):
        if isinstance(one.adapter, ExecAdapter):
            one.adapter.let_go()


@dataclass(frozen=True)
class _Step:
    """Something a lane has done: begun an operation, or evaluated a batch."""

    name: str
    units: int = 0
    results: list[Result] = field(default_factory=list)


def _name(one: Judged, asked: Sequence[Unit | Check]) -> str:
    return f"{one.name} {asked[0].operation}"


def _steps(lane: Sequence[Asked], record: Lane, *, apart: bool) -> Iterator[_Step]:
    """Walks through a lane, in a process of its own if it is to be apart."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(record.at_work())
        crew = one_worker() if apart else None
        if crew:
            stack.callback(crew.dismiss)
        timed = {
            one: Timed(Remote(one.name, crew) if crew else one.adapter)
            for one, _ in lane
        }
        for name, asked in groupby(lane, key=lambda asked: _name(*asked)):
            yield _Step(name)
            memories = {one: Remembering(adapter) for one, adapter in timed.items()}
            for one, rest in asked:
                for batch in batches(rest):
                    check = isinstance(batch, Check)
                    size = 1 if check else len(batch.units)
                    source = timed[one] if check else memories[one]
                    began = time.perf_counter()
                    results = list(
                        evaluate(batch, source, one.name, one.device, one.limit)
                    )
                    record.add(one.name, batch, results, began, timed[one])
                    yield _Step(name, size, results)
