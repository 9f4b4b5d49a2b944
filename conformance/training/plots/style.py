"""What the figures of a comparison share: styles of backends, rows, intervals."""

from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.special import stdtrit

from conformance.metrics.figures.style import COLOURS, COLUMNS, MARKERS, shortened

Array = NDArray[np.float64]

# A colour, a marker and a line for each backend: two of them say the same again to
# those who do not see the third.
STYLES: dict[str, dict[str, Any]] = {
    "numpy": {"color": COLOURS[6], "marker": "o", "ls": (0, (1, 1.2))},
    "torch": {"color": COLOURS[1], "marker": "s", "ls": "-"},
    "jax": {"color": COLOURS[0], "marker": "^", "ls": (0, (4, 1.5))},
}
SMALL = 8
# Of a title, in an inch.
_CHARACTERS = 9.5
# Inches of a row with a strategy's name, of what stands above and below the rows of a
# panel, and of title and legend.
_ROW, _PANEL, _FIGURE = 0.27, 0.7, 1.0
# Inches of a figure that has room for its title.
_NARROWEST = 5.4
LONGEST = 28


def numbers(values: Iterable[Any]) -> Array:
    """Reads numbers, in nested lists too; null is NaN."""
    return np.array(list(values), dtype=np.float64)


def interval(values: Iterable[Any]) -> tuple[float, float]:
    """Returns mean and half width of Student's 95 % interval.

    The half width of one number is 0: there is no spread to tell it from.
    """
    found = numbers(values)
    n = found.size
    if n < 2:
        return float(found.mean()), 0.0
    error = found.std(ddof=1) / np.sqrt(n)
    return float(found.mean()), float(stdtrit(n - 1, 0.975) * error)


def strategies_of(cells: Mapping[str, Any]) -> list[str]:
    """Returns the names of the strategies, of cells by backend."""
    return list(dict.fromkeys(name for own in cells.values() for name in own))


def pictures_of(found: Mapping[str, Any], key: str) -> tuple[str, dict[str, Any]]:
    """Returns a picture of every strategy that has it, of the first backend with one.

    Backends agree; where panels are many, one of them stands for all.
    """
    for backend, own in found["seeds"].items():
        pictures = {
            name: cell["pictures"][key]
            for name, cell in own.items()
            if cell.get("pictures", {}).get(key)
        }
        if pictures:
            return backend, pictures
    return "", {}


def counted(seeds: Iterable[int]) -> str:
    """Says how many seeds there are, of one cell or another.

    Example:
        >>> counted([8, 8]), counted([10, 40, 20])
        ('8 seeds', '10 to 40 seeds')
    """
    low, high = min(found := sorted(seeds)), max(found)
    return f"{high} seeds" if low == high else f"{low} to {high} seeds"


def height_of(counts: Sequence[int]) -> float:
    """Returns the inches of a figure whose panels, one below another, have rows."""
    return _FIGURE + sum(_PANEL + _ROW * count for count in counts)


def width_of(panels: int, width: float) -> float:
    """Returns the inches of a panel beside others that have room for a title."""
    return max(width, _NARROWEST / panels)


def panel_size(
    count: int, width: float, height: float, columns: int = COLUMNS
) -> dict[str, float]:
    """Returns the inches of each of many panels; few are larger, for title and legend.

    Args:
        count: Of panels.
        width: Of a panel, at least.
        height: Of a panel, without its part of title and legend.
        columns: Of panels, at most.
    """
    rows = -(-count // columns)
    across = -(-count // rows)
    return {
        "width": width_of(across, width),
        "height": height + _FIGURE / rows,
    }


def name_rows(axis: Axes, names: Sequence[str], room: int = 0) -> None:
    """Makes a row for each name, from top to bottom, every second one shaded.

    Args:
        axis: Where.
        names: Of the rows.
        room: For so many rows at least, so that panels side by side have equal ones.
    """
    axis.set_yticks(range(len(names)), [shortened(name, LONGEST) for name in names])
    axis.set_ylim(max(len(names), room) - 0.5, -0.5)
    for row in range(0, len(names), 2):
        axis.axhspan(row - 0.5, row + 0.5, color="0.955", lw=0, zorder=0)
    axis.tick_params(labelsize=SMALL)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", color="0.88")
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)


def offsets(names: Sequence[str], room: float = 0.5) -> dict[str, float]:
    """Returns where each of several marks stands in its row, about the middle."""
    places = np.linspace(-room / 2.0, room / 2.0, len(names)) if names[1:] else [0.0]
    return dict(zip(names, map(float, places), strict=True))


def marker_of(backend: str) -> dict[str, Any]:
    """Returns colour and marker of a backend."""
    style = line_of(backend)
    return {"color": style["color"], "marker": style["marker"]}


def line_of(backend: str) -> dict[str, Any]:
    """Returns colour, marker and line of a backend, of an unknown one too."""
    other = {"color": COLOURS[2], "marker": MARKERS[2], "ls": "-"}
    return STYLES.get(backend, other)


def finish(figure: Figure, axes: Iterable[Axes], title: str) -> None:
    """Writes the title, and explains below the panels what stands in any of them."""
    width = figure.get_figwidth()
    figure.suptitle(fill(title, int(_CHARACTERS * width)), fontsize=12)
    entries: dict[str, Any] = {}
    for axis in axes:
        handles, labels = axis.get_legend_handles_labels()
        for handle, label in zip(handles, labels, strict=True):
            entries.setdefault(label, handle)
    # Inches of an entry: its handle with the gap to the next, and its characters.
    entry = 0.7 + 0.07 * max(map(len, entries), default=0)
    figure.legend(
        list(entries.values()),
        list(entries),
        loc="outside lower center",
        ncols=max(1, min(len(entries), int(width / entry))),
        frameon=False,
        fontsize=9,
    )
