"""What a bench found, for people."""

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from conformance.bench.bars import AT_LEAST, HOLDS, MISSES
from conformance.bench.problems import LOSSES

_COLOURS = {HOLDS: "green", MISSES: "bold red"}


def show(record: Mapping[str, Any], console: Console) -> None:
    """Prints all tables of a run.

    Args:
        record: Header, cells and bars.
        console: Where to.
    """
    for name, cell in record["cells"].items():
        if "contenders" in cell:
            console.print()
            console.print(_cell(name, cell))
            for line in _notes(cell):
                console.print(line)
    judged = [bar for bar in record["bars"] if bar["measured"] is not None]
    if judged:
        console.print()
        console.print(_bars(judged))
    if len(judged) < len(record["bars"]):
        rest = len(record["bars"]) - len(judged)
        console.print(f"{rest} bars of {len(record['bars'])} not measured in this run")


def _cell(name: str, cell: Mapping[str, Any]) -> Table:
    shape = " x ".join(map(str, cell["shape"]))
    title = f"{name}: {LOSSES[cell['loss']].title}, {cell['dtype']}, {shape}, copy "
    table = _table(f"{title}{cell['copy_gb_per_s']:.3g} GB/s")
    table.add_column("contender", overflow="fold")
    headings = ("time", "spread", "time / ours", "GB/s", "x floor", "memory")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for found in cell["contenders"]:
        if "samples" not in found:
            table.add_row(found["name"], "failed", *("",) * 5)
            continue
        spread = found["seconds"]
        width = (spread["high"] - spread["low"]) / spread["median"]
        table.add_row(
            found["name"],
            duration(spread["median"]),
            f"{width:.0%}",
            f"{found['ratio']['median']:.2f}" if "ratio" in found else "",
            f"{found['gb_per_s']:.3g}",
            f"{found['times_floor']['median']:.3g}",
            f"{found['peak_inputs']:.3g}",
        )
    return table


def _notes(cell: Mapping[str, Any]) -> list[Text]:
    lines = []
    for found in cell["contenders"]:
        reason = found.get("error") or found["differs"]
        if reason:
            lines.append(Text(f"{found['name']}: {reason}", style="yellow"))
    return lines


def _bars(bars: list[dict[str, Any]]) -> Table:
    table = _table("Bars")
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


def _table(title: str) -> Table:
    return Table(
        title=title,
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title_justify="left",
    )
