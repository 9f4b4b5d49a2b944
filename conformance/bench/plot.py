"""Time against size, a panel for each loss."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter

from conformance.bench.growth import Series
from conformance.bench.plan import LATENCY
from conformance.bench.problems import LOSSES

# Okabe and Ito's colours, which every kind of colour vision tells apart. A colour is a
# way of running; ours are solid with filled markers, peers are broken with open ones.
COLOURS = {"eager": "#D55E00", "compiled": "#009E73", "jit": "#0072B2"}
_MARKERS = "osD^vP"
_COLUMNS = 3
_WIDTH, _HEIGHT = 4.6, 4.3


def draw_plot(lines: Sequence[Series], path: Path, machine: str) -> None:
    """Draws time against the number of logits.

    Args:
        lines: What to draw, a panel each.
        path: Where the PNG goes.
        machine: What the title says about the machine.
    """
    rows = -(-len(lines) // _COLUMNS)
    columns = min(len(lines), _COLUMNS)
    figure = Figure(
        figsize=(_WIDTH * columns, _HEIGHT * rows + 0.5), layout="constrained"
    )
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis, line in zip(axes.flat, lines, strict=False):
        _panel(axis, line)
    for axis in axes.flat[len(lines) :]:
        axis.set_visible(False)
    figure.suptitle(f"Value and gradient, {lines[0].dtype}, {machine}")
    figure.savefig(path, dpi=110)


def _panel(axis: Axes, line: Series) -> None:
    axis.set_title(LOSSES[line.loss].title, fontsize=11)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    # The size of the latencies says nothing beside one that is about the same.
    at = [x for x in line.at if x != LATENCY or 2**10 not in line.at]
    libraries = list(dict.fromkeys(map(_library, line.seconds)))
    for name, seconds in line.seconds.items():
        points = [
            (x, y) for x, y in zip(line.at, seconds, strict=True) if y and x in at
        ]
        mode, number = name.rpartition(" ")[2], libraries.index(_library(name))
        axis.plot(
            [x for x, _ in points],
            [y for _, y in points],
            label=name,
            **_style(mode, number),
        )
    axis.plot(line.at, line.floor, color="0.35", ls=":", lw=1.6, label="copy floor")
    low, high = axis.get_ylim()
    # Curves rise to the right: what is named stands above their left ends.
    axis.set_ylim(low, high * (high / low) ** 0.6)
    axis.legend(loc="upper left", fontsize=7, frameon=False)
    axis.xaxis.set_major_locator(FixedLocator(at))
    axis.xaxis.set_major_formatter(FuncFormatter(_size))
    axis.tick_params(labelsize=8)
    axis.grid(color="0.92")
    axis.set_axisbelow(True)
    axis.set_xlabel("logits", fontsize=9)
    axis.set_ylabel("seconds", fontsize=9)


def _library(name: str) -> str:
    """Returns the library of a contender, without framework and mode."""
    return name.rsplit(" ", 2)[0]


def _style(mode: str, number: int) -> dict[str, Any]:
    colour = COLOURS[mode]
    style: dict[str, Any] = {"color": colour, "ms": 5, "marker": _MARKERS[number % 6]}
    if number:
        return style | {"ls": "--", "lw": 1.1, "mfc": "white"}
    return style | {"ls": "-", "lw": 1.9}


def _size(value: float, _position: int) -> str:
    power = round(value).bit_length() - 1
    return f"$2^{{{power}}}$" if 2**power == value else f"{value:g}"
