"""What a bench found, for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.bench.bars import AT_LEAST, HOLDS, MISSES
from conformance.bench.growth import Series, series, slope
from conformance.bench.plan import LATENCY
from conformance.bench.problems import LOSSES
from conformance.report.terminal import titled

_COLOURS = {HOLDS: "green", MISSES: "bold red"}


def show(record: Mapping[str, Any], console: Console) -> None:
    """Prints all tables of a run.

    Args:
        record: Header, cells and bars.
        console: Where to.
    """
    cells = record["cells"]
    lines = series(cells)
    parts: list[Table | Text] = []
    for line in lines:
        if line.axis == "N":
            cell = cells[f"{line.loss}/{line.dtype}/N={line.at[-1]}"]
            parts += [_cell(cell), *_notes(cell)]
    parts += [_growth(line) for line in lines if len(line.at) > 1]
    for table in (_latency(cells), _training(cells)):
        parts += [table] if table.row_count else []
    for part in parts:
        if isinstance(part, Table):
            console.print()
        console.print(part)
    _show_bars(record["bars"], console)
    absent = [k for k, v in record["header"]["libraries"].items() if v == "absent"]
    if absent:
        console.print(f"not installed, hence not measured: {', '.join(absent)}")


def _show_bars(bars: list[dict[str, Any]], console: Console) -> None:
    judged = [bar for bar in bars if bar["measured"] is not None]
    if judged:
        console.print()
        console.print(_bars(judged))
    if len(judged) < len(bars):
        rest = len(bars) - len(judged)
        console.print(f"{rest} bars of {len(bars)} not measured in this run")


def _cell(cell: Mapping[str, Any]) -> Table:
    shape = " x ".join(map(str, cell["shape"]))
    title = f"{LOSSES[cell['loss']].title}, {cell['dtype']}, {shape}"
    table = titled(f"{title}; copy {cell['copy_gb_per_s']:.3g} GB/s")
    table.add_column("contender", overflow="fold")
    headings = ("time", "spread", "time / ours", "GB/s", "x floor", "memory")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for found in cell["contenders"]:
        if "samples" not in found:
            table.add_row(found["name"], "failed", *("",) * 5)
            continue
        spread, peak = found["seconds"], found["peak_inputs"]
        width = (spread["high"] - spread["low"]) / spread["median"]
        table.add_row(
            found["name"],
            duration(spread["median"]),
            f"{width:.0%}",
            f"{found['ratio']['median']:.2f}" if "ratio" in found else "",
            f"{found['gb_per_s']:.3g}",
            f"{found['times_floor']['median']:.3g}",
            "" if peak is None else f"{peak:.3g}",
        )
    return table


def _notes(cell: Mapping[str, Any]) -> list[Text]:
    lines = []
    for found in cell["contenders"]:
        why = (found.get("error"), found.get("memory_error"), found["differs"])
        for reason in filter(None, why):
            lines.append(Text(f"{found['name']}: {reason}", style="yellow"))
    return lines


def _growth(line: Series) -> Table:
    """Times along an axis, and the exponent of growth between the last two points."""
    total = " at constant N * K" if line.axis == "K" else ""
    table = titled(f"{line.loss}, {line.dtype}: how time grows with {line.axis}{total}")
    table.add_column(line.axis, overflow="fold")
    for value in line.at:
        table.add_column(_short(value), justify="right", no_wrap=True)
    table.add_column("exponent", justify="right", no_wrap=True)
    rows = {**line.seconds, "copy of as many bytes": [*line.floor]}
    for name, seconds in rows.items():
        exponent = slope(line.at, seconds)
        table.add_row(
            name,
            *("" if s is None else duration(s) for s in seconds),
            "" if exponent is None else f"{exponent:.2f}",
        )
    return table


def _latency(cells: Mapping[str, Any]) -> Table:
    """Our time and, in brackets, the first peer's, for every way of running."""
    table = titled(f"Latency at N = {LATENCY}: ours (first peer's)")
    table.add_column("loss", overflow="fold")
    modes = {}
    for name, cell in cells.items():
        if name.endswith(f"/float32/N={LATENCY}"):
            modes[cell["loss"]] = _pairs(cell["contenders"])
    columns = dict.fromkeys(mode for pairs in modes.values() for mode in pairs)
    for mode in columns:
        table.add_column(mode, justify="right", no_wrap=True)
    for loss, pairs in modes.items():
        table.add_row(loss, *(pairs.get(mode, "") for mode in columns))
    return table


def _pairs(contenders: list[dict[str, Any]]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for contender in contenders:
        mode = f"{contender['framework']} {contender['mode']}"
        if "seconds" in contender:
            median = contender["seconds"]["median"]
            found.setdefault(mode, []).append(duration(median))
    return {
        mode: f"{times[0]} ({times[1]})" if len(times) > 1 else times[0]
        for mode, times in found.items()
    }


def _training(cells: Mapping[str, Any]) -> Table:
    """Seeds per second of our batched training and of the plain loops."""
    table = titled("Training: seeds per second")
    for heading in ("training", "against"):
        table.add_column(heading, overflow="fold")
    for heading in ("updates", "batched", "plain loop", "speed-up"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, cell in cells.items():
        if "error" in cell:
            table.add_row(f"{name}: {cell['error']}", "", "", "", "", "failed")
        elif "training" in cell:
            own, *plain = cell["seeds_per_second"].items()
            for way, rate in plain:
                table.add_row(
                    f"{own[0]}: {cell['training']}",
                    way,
                    str(cell["updates"]),
                    f"{own[1]['median']:.3g}",
                    f"{rate['median']:.3g}",
                    f"{cell['speed_up'][way]['median']:.3g}",
                )
    return table


def _bars(bars: list[dict[str, Any]]) -> Table:
    table = titled("Bars")
    for heading in ("cell", "what"):
        table.add_column(heading, overflow="fold")
    for heading in ("bar", "measured", "verdict"):
        table.add_column(heading, justify="right", no_wrap=True)
    for bar in bars:
        against = f" over {bar['other']}" if bar["other"] else ""
        sign = ">=" if bar["quantity"] in AT_LEAST else "<="
        table.add_row(
            bar["cell"],
            f"{bar['quantity']} of {bar['contender']}{against}",
            f"{sign} {bar['threshold']:.3g}",
            f"{bar['measured']['median']:.3g}",
            Text(bar["verdict"], style=_COLOURS[bar["verdict"]]),
        )
    return table


def duration(seconds: float) -> str:
    """Writes a time with three digits and its unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def _short(value: int) -> str:
    power = value.bit_length() - 1
    return f"2^{power}" if value > LATENCY and 2**power == value else str(value)
