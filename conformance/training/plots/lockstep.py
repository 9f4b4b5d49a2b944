"""How far each backend is from the reference, against what is allowed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from conformance.metrics.figures.style import COLOURS, make_figure, shortened
from conformance.training.plots.style import (
    LONGEST,
    SMALL,
    finish,
    height_of,
    line_of,
    marker_of,
    name_rows,
    numbers,
    offsets,
    panel_size,
    width_of,
)

# A share of the bound is drawn within these limits: what is exactly the same is a
# millionth, and what has no number is far out.
_LEAST, _MOST = 1e-6, 1e6
_SHADOW = {"color": COLOURS[2], "lw": 1.2, "ls": ":", "label": "shadow runs"}
_BOUND = {"color": "0.3", "lw": 1.2, "ls": "--", "label": "bound"}
_BEYOND = {"color": "0.3", "alpha": 0.12, "lw": 0}


def worst_figures(outcome: Mapping[str, Any]) -> dict[str, Figure]:
    """Draws the worst share of the bound, a panel for each data set."""
    data = {name: found for name, found in outcome["data"].items() if found["lockstep"]}
    if not data:
        return {}
    most = max(len(found["lockstep"]) for found in data.values())
    figure, axes = make_figure(
        1,
        len(data),
        width=width_of(len(data), 4.6),
        height=height_of([most]),
    )
    for axis, (name, found) in zip(axes[0], data.items(), strict=True):
        _worst_panel(axis, found["lockstep"], most)
        axis.set_title(name, fontsize=10)
        axis.set_xlabel("largest distance / bound, up to the horizon", fontsize=9)
    recipe = outcome["recipe"]["name"]
    finish(figure, axes.flat, f"{recipe}: lockstep in float64, worst update")
    return {"lockstep": figure}


def lockstep_figures(outcome: Mapping[str, Any]) -> dict[str, Figure]:
    """Draws distance and bound after every update, a figure for each data set."""
    return {
        f"lockstep-{name}": _traces(outcome["recipe"]["name"], name, found["lockstep"])
        for name, found in outcome["data"].items()
        if found["lockstep"]
    }


def _worst_panel(axis: Axes, cells: Mapping[str, Any], room: int) -> None:
    names = list(cells)
    name_rows(axis, names, room)
    backends = dict.fromkeys(b for cell in cells.values() for b in cell["distances"])
    places = offsets(list(backends), room=0.36)
    for backend in backends:
        rows = [
            r for r, name in enumerate(names) if backend in cells[name]["distances"]
        ]
        worst = [_share(cells[names[row]], backend) for row in rows]
        at = [row + places[backend] for row in rows]
        axis.plot(worst, at, ls="none", ms=4.5, label=backend, **marker_of(backend))
    axis.set_xscale("log")
    low, high = axis.get_xlim()
    axis.set_xlim(low / 2.0, max(4.0, high * 2.0))
    axis.axvspan(1.0, max(4.0, high * 2.0), **_BEYOND)
    axis.axvline(1.0, **_BOUND)
    for row, cell in enumerate(cells.values()):
        judged, made = cell["horizon"], len(cell["bound"])
        axis.text(
            1.015,
            row,
            f"{judged}" if judged == made else f"{judged} of {made}",
            transform=axis.get_yaxis_transform(),
            fontsize=SMALL - 1,
            color="0.35",
            va="center",
        )
    axis.text(
        1.015,
        1.005,
        "updates",
        transform=axis.transAxes,
        fontsize=SMALL - 1,
        color="0.35",
        va="bottom",
    )


def _share(cell: Mapping[str, Any], backend: str) -> float:
    """Returns the largest part of what is allowed; no number is as bad as any."""
    horizon = cell["horizon"]
    shares = numbers(cell["distances"][backend]) / numbers(cell["bound"])
    worst = np.nan_to_num(shares[:horizon], nan=_MOST, posinf=_MOST)
    return float(np.clip(worst.max(initial=0.0), _LEAST, _MOST))


def _traces(recipe: str, data: str, cells: Mapping[str, Any]) -> Figure:
    columns = min(len(cells), 4 if len(cells) <= 12 else 5)
    rows = -(-len(cells) // columns)
    figure, axes = make_figure(
        rows,
        columns,
        **panel_size(len(cells), 2.4, 1.75, columns),
        sharex=True,
        sharey=True,
    )
    for axis in axes.flat[len(cells) :]:
        axis.set_visible(False)
    for place, (name, cell) in enumerate(cells.items()):
        axis = axes.flat[place]
        _trace_panel(axis, cell)
        axis.set_title(shortened(name, LONGEST), fontsize=9)
        axis.tick_params(labelsize=SMALL)
        if place + columns >= len(cells):
            axis.tick_params(labelbottom=True)
            axis.set_xlabel("updates", fontsize=9)
    axes[0, 0].set_ylim(*_limits(list(cells.values())))
    figure.supylabel(
        "relative distance of the\nparameters to those of NumPy", fontsize=9
    )
    finish(figure, axes.flat[: len(cells)], f"{recipe}, {data}: lockstep in float64")
    return figure


def _trace_panel(axis: Axes, cell: Mapping[str, Any]) -> None:
    bound = numbers(cell["bound"])
    updates = np.arange(1, len(bound) + 1)
    axis.fill_between(updates, bound, 1e6, **_BEYOND)
    axis.plot(updates, bound, **_BOUND)
    for backend, distances in cell["distances"].items():
        style = line_of(backend)
        axis.plot(
            updates,
            numbers(distances),
            color=style["color"],
            ls=style["ls"],
            lw=1.2,
            label=backend,
        )
    axis.plot(updates, numbers(cell["shadow"]), **_SHADOW)
    axis.axvline(cell["horizon"], color="0.55", lw=0.9, label="horizon")
    axis.set_yscale("log")
    axis.minorticks_off()
    axis.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    axis.spines[["top", "right"]].set_visible(False)


def _limits(cells: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Returns limits that hold every line that is not zero, with room above."""
    lines = [
        numbers(line)
        for cell in cells
        for line in (cell["bound"], cell["shadow"], *cell["distances"].values())
    ]
    values = np.concatenate(lines)
    values = values[np.isfinite(values) & (values > 0.0)]
    return float(values.min() / 3.0), float(min(values.max() * 10.0, 1e2))
