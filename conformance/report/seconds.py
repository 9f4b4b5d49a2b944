"""Where the seconds of a run went, for JSON and for people."""

import time
from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from conformance.adapters.stopwatch import add
from conformance.report.terminal import titled
from conformance.timings import OTHER, PARTS, Lane, Spent, Timings

# Lines of a table; the report holds every row.
SHOWN = 20
SLOWEST = 10
COUNTS = ("units", "requests", "compared")


def record(timings: Timings) -> dict[str, Any]:
    """What a run took until now, as JSON knows it.

    Args:
        timings: Of the run.

    Returns:
        Seconds of the processor before it began; seconds on the clock of the run, its
        phases, its lanes, of every implementation, profile and operation, slowest
        first, and of its slowest calls.
    """
    now = time.perf_counter()
    spent = [one for lane in timings.lanes for one in lane.spent]
    # Lanes of an interrupted run have no end.
    ended = max((lane.ended or now for lane in timings.lanes), default=now)
    slowest = sorted(spent, key=lambda one: -one.seconds)[:SLOWEST]
    return _rounded(
        {
            "imports": timings.imports,
            "seconds": now - timings.began,
            "phases": timings.phases,
            "lanes": [_lane(lane, timings.began, ended, now) for lane in timings.lanes],
            "calls": _calls(spent),
            "slowest": [_slow(one) for one in slowest],
        }
    )


def _lane(lane: Lane, began: float, last: float, now: float) -> dict[str, Any]:
    parts = _parts(lane.spent)
    start, end = lane.began or now, lane.ended or now
    seconds = end - start
    parts[OTHER] = seconds - sum(parts.values())
    return {
        "lane": lane.name,
        "begins": start - began,
        "seconds": seconds,
        # While the slowest lane was still at work.
        "idle": last - end,
        **parts,
    }


def _calls(spent: Iterable[Spent]) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str, str], list[Spent]] = {}
    for one in spent:
        rows.setdefault((one.impl, one.profile, one.operation), []).append(one)
    found = [
        {
            **dict(zip(("impl", "profile", "operation"), key, strict=True)),
            "seconds": sum(one.seconds for one in row),
            **{name: sum(getattr(one, name) for one in row) for name in COUNTS},
            **_parts(row),
        }
        for key, row in rows.items()
    ]
    return sorted(found, key=lambda row: -row["seconds"])


def _parts(spent: Iterable[Spent]) -> dict[str, float]:
    total = {part: 0.0 for part in PARTS if part != OTHER}
    for one in spent:
        add(total, one.parts)
    return total


def _slow(one: Spent) -> dict[str, Any]:
    return {
        "impl": one.impl,
        "call": f"{one.profile} {one.path} ({', '.join(one.form)})",
        "units": one.units,
        "seconds": one.seconds,
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, 4) if isinstance(value, float) else value


def tables(timings: dict[str, Any]) -> list[Table | Text]:
    """Shows where the seconds went.

    Args:
        timings: As recorded.

    Returns:
        The slowest rows, the lanes, the slowest calls and the phases.
    """
    calls = timings["calls"]
    columns = ("impl", "profile", "operation", "seconds", *COUNTS[1:], *PARTS[1:-1])
    shown = [_table("seconds by call, slowest first", columns, calls[:SHOWN])]
    rest = calls[SHOWN:]
    parts: list[Table | Text] = [*shown]
    if rest:
        seconds = sum(row["seconds"] for row in rest)
        parts.append(Text(f"{len(rest)} more rows of {seconds:.1f} s in the report"))
    lanes = ("lane", "begins", "seconds", "idle", *PARTS)
    parts.append(_table("seconds by lane", lanes, timings["lanes"]))
    columns = ("seconds", "impl", "call")
    parts.append(_table("slowest calls", columns, timings["slowest"]))
    phases = ", ".join(f"{k} {v:.1f} s" for k, v in timings["phases"].items())
    imports = f"imports {timings['imports']:.1f} s of the processor"
    parts.append(Text(f"{imports}, then {phases}; {timings['seconds']:.1f} s in all"))
    return parts


def _table(title: str, columns: Sequence[str], rows: Sequence[dict[str, Any]]) -> Table:
    table = titled(title)
    for name in columns:
        number = bool(rows) and not isinstance(rows[0][name], str)
        # Where there is no room, names fold so that numbers stay whole.
        table.add_column(
            name,
            justify="right" if number else "left",
            no_wrap=number,
            overflow="fold",
        )
    for row in rows:
        cells = (row[name] for name in columns)
        table.add_row(*(f"{v:.2f}" if isinstance(v, float) else str(v) for v in cells))
    return table
