"""The summary of a run for people, on a terminal or in a file."""

import io
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.clauses import gist
from conformance.profiles import Result
from conformance.report.counts import Tally, reasons
from conformance.report.wording import deviates

INTERRUPTED = 130
MAX_FAILURES = 10
# A pipe has no width of its own.
PIPE_WIDTH = 100


def make_console() -> Console:
    """Makes the console that all commands write to."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that lacks a sign must not end a run.
        sys.stdout.reconfigure(errors="replace")
    plain = not sys.stdout.isatty()
    return Console(width=PIPE_WIDTH if plain else None, highlight=False, markup=False)


def interrupted(console: Console, done: str, path: Path) -> int:
    """Says how to go on after Ctrl-C.

    Args:
        console: Where to.
        done: What was finished.
        path: Where it lies.

    Returns:
        Exit status.
    """
    for line in (
        f"interrupted with {done} in {path};",
        "the same command with --resume continues from there.",
    ):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return INTERRUPTED


def summary(
    results: Sequence[Result], counts: dict[str, Tally], seconds: float, out: str
) -> list[Table | Text]:
    """Sums up a run.

    Args:
        results: All results.
        counts: Counts by implementation.
        seconds: How long the run took.
        out: Where the report lies.

    Returns:
        A table per implementation, failures with commands that reproduce them, what
        was not judged, and a line with the verdict.
    """
    parts: list[Table | Text] = []
    for impl in counts:
        own = [r for r in results if r.impl == impl]
        parts += [_table(impl, own), *_worst_cases(own)]
        parts += [*_unjudged(impl, own), *failures(own)]
    parts.append(_verdict(counts, seconds, out))
    return parts


def titled(title: str) -> Table:
    """Makes a table without columns, in the look of all reports."""
    return Table(
        title=title,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title_justify="left",
    )


def _table(impl: str, results: Sequence[Result]) -> Table:
    table = titled(f"{impl}: worst error in units of u·K")
    # Where there is no room, names fold so that numbers stay whole.
    table.add_column("operation", overflow="fold")
    table.add_column("dtype", overflow="fold")
    for name in ("value", "gradient", "compared"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for operation, dtype in dict.fromkeys((r.operation, r.dtype) for r in results):
        rows = [r for r in results if (r.operation, r.dtype) == (operation, dtype)]
        judged = [r for r in rows if r.worst is not None]
        table.add_row(
            operation,
            dtype,
            _worst([r for r in judged if not r.output.startswith("grad_")]),
            _worst([r for r in judged if r.output.startswith("grad_")]),
            str(sum(r.compared for r in rows)),
            _row_verdict(rows),
        )
    return table


def _worst_cases(results: Sequence[Result]) -> list[Text]:
    """One line per operation, outside the table: an id is longer than a column."""
    lines = []
    for operation in dict.fromkeys(r.operation for r in results):
        rows = [r for r in results if r.operation == operation and r.worst is not None]
        if rows:
            worst = max(rows, key=_size)
            where = f"{worst.output}, {worst.dtype}, {worst.transform}"
            lines.append(
                Text(f"worst {_worst(rows)}: {worst.worst_id} ({where})", style="dim")
            )
    return lines


def _size(result: Result) -> float:
    return -1.0 if result.worst is None else result.worst


def _worst(results: Sequence[Result]) -> str:
    return f"{max(map(_size, results)):.2f}" if results else "-"


def _row_verdict(rows: Sequence[Result]) -> Text:
    tally = Tally()
    for row in rows:
        tally.add(row)
    bad = tally.statuses["errored"] or tally.statuses["fail"]
    good = "green" if tally.compared else "yellow"
    return Text(tally.phrase, style="bold red" if bad else good)


def _unjudged(impl: str, results: Sequence[Result]) -> list[Text]:
    reasons = Counter(
        (r.status.replace("_", " "), r.operation, r.transform, r.reason)
        for r in results
        if r.status in ("skipped", "not_implemented", "errored")
    )
    return [
        Text(f"{impl}: {operation} {transform}: {count} {status}: {reason}")
        for (status, operation, transform, reason), count in reasons.items()
    ]


def failures(results: Sequence[Result]) -> list[Text]:
    """Shows the first failures: what, expected, got, and how to reproduce it."""
    failed = [r for r in results if r.status == "fail"]
    lines: list[Text] = []
    for result in failed[:MAX_FAILURES]:
        what = f"{result.output} ({result.profile}, {result.dtype}, {result.transform}"
        what += f", reduction {result.reduction})"
        lines.append(Text(f"\nFAIL {result.group}", style="bold red"))
        reason = f"  {what}: {result.failed} of {result.compared}"
        lines.append(Text(f"{reason} {result.reason}".rstrip()))
        if result.clauses:
            said = deviates(result.clauses, gist(result.clauses[0]))
            lines.append(Text(f"  {said}"))
        if result.diagnosis:
            lines.append(Text(f"  {result.diagnosis}"))
        if result.failures:
            first = result.failures[0]
            lines.append(
                Text(
                    f"  {first.id}\n  expected {first.expected!r}, got "
                    f"{first.actual!r}, {first.units:.3g} units of u·K"
                )
            )
        command = repro_command(result) if result.failures else again_command(result)
        lines.append(Text(f"  {command}", style="cyan"))
    if len(failed) > MAX_FAILURES:
        rest = len(failed) - MAX_FAILURES
        lines.append(Text(f"\nand {rest} more failed results in the report"))
    return lines


def repro_command(result: Result, point: str = "") -> str:
    """The command that prints a script for a point, or for the first failure."""
    first = result.failures[0].id if result.failures else result.worst_id
    point = point or first
    options = f"--impl {quote(result.impl)} --dtype {result.dtype}"
    if result.transform != "eager":
        options += f" --transform {result.transform}"
    return f"python -m conformance repro {quote(point)} {options}"


def again_command(result: Result) -> str:
    """The command that asks a whole question again, which has no point of its own."""
    options = f"--impl {quote(result.impl)} --profile {result.profile}"
    return f"python -m conformance run {options} --select {quote(result.group)}"


def _verdict(counts: dict[str, Tally], seconds: float, out: str) -> Text:
    compared = sum(tally.compared for tally in counts.values())
    phrases = reasons(counts)
    tail = f"{compared} numbers compared in {seconds:.1f} s, {out}"
    if phrases:
        why = "; ".join(phrases)
        return Text(f"\nDOES NOT CONFORM: {why}; {tail}", style="bold red")
    return Text(f"\nCONFORMS: {', '.join(counts)}; {tail}", style="bold green")
