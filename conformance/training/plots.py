"""Figures of a comparison, as SVG and PNG."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from scipy.special import stdtrit

# Okabe and Ito's colours, which every kind of colour vision tells apart; markers and
# line styles say the same again.
STYLES: dict[str, dict[str, Any]] = {
    "numpy": {"color": "#000000", "marker": "o"},
    "torch": {"color": "#D55E00", "marker": "s"},
    "jax": {"color": "#0072B2", "marker": "^"},
}
_LINES = {"torch": "-", "jax": (0, (4, 1.5))}


def plot_lockstep(found: dict[str, Any], folder: Path) -> None:
    """Draws distances to the reference against their bound, a panel for each cell.

    Args:
        found: Results by data set.
        folder: Where ``lockstep.svg`` and ``lockstep.png`` go.
    """
    strategies = list(next(iter(found.values()))["lockstep"])
    figure, axes = _grid(len(found), len(strategies), width=2.9, height=2.6)
    for row, (name, result) in zip(axes, found.items(), strict=True):
        for axis, strategy in zip(row, strategies, strict=True):
            _lockstep_panel(axis, result["lockstep"][strategy])
            axis.set_title(f"{name}: {strategy}", fontsize=10)
        row[0].set_ylabel("relative distance\nto the reference")
        row[0].set_ylim(*_limits(result["lockstep"]))
    for axis in axes[-1]:
        axis.set_xlabel("updates")
    figure.suptitle("Lockstep in float64: how far each backend is from NumPy")
    _legend_below(figure, axes[0][0])
    _save(figure, folder / "lockstep")


def plot_f1(found: dict[str, Any], folder: Path) -> None:
    """Draws mean F1 with 95 % intervals over seeds, backends side by side.

    Args:
        found: Results by data set.
        folder: Where ``f1.svg`` and ``f1.png`` go.
    """
    figure, axes = _grid(len(found), 2, width=6.2, height=3.0)
    columns = {
        "f1_half": "at threshold 0.5",
        "f1_searched": "at the threshold searched on validation",
    }
    for row, (name, result) in zip(axes, found.items(), strict=True):
        for axis, (metric, label) in zip(row, columns.items(), strict=True):
            _f1_panel(axis, result["seeds"], metric)
            axis.set_title(f"{name}: F1 {label}", fontsize=10)
            if result["bayes_f1"] is not None and metric == "f1_searched":
                axis.axhline(
                    result["bayes_f1"], color="0.45", ls=":", label="best attainable"
                )
        row[0].set_ylabel("F1 on the test part")
    figure.suptitle("F1 by strategy: mean and 95 % interval over seeds")
    _legend_below(figure, axes[0][-1])
    _save(figure, folder / "f1")


def _lockstep_panel(axis: Axes, cell: dict[str, Any]) -> None:
    updates = np.arange(1, len(cell["bound"]) + 1)
    axis.plot(updates, cell["bound"], color="0.35", lw=1.2, ls="--", label="bound")
    axis.fill_between(updates, cell["bound"], 1e3, color="0.93", lw=0)
    axis.plot(
        updates, cell["shadow"], color="#009E73", lw=1.2, ls=":", label="shadow runs"
    )
    for backend, distances in cell["distances"].items():
        style = {"color": STYLES[backend]["color"], "ls": _LINES[backend], "lw": 1.3}
        axis.plot(updates, distances, label=backend, **style)
    axis.axvline(cell["horizon"], color="0.6", lw=1.0, label="horizon")
    axis.set_yscale("log")
    axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def _limits(lockstep: dict[str, Any]) -> tuple[float, float]:
    """Returns limits that hold every line that is not zero, with room above."""
    lines = [
        line
        for cell in lockstep.values()
        for line in (cell["bound"], cell["shadow"], *cell["distances"].values())
    ]
    values = np.concatenate(lines)
    values = values[np.isfinite(values) & (values > 0.0)]
    return float(values.min() / 3.0), float(min(values.max() * 10.0, 1e2))


def _f1_panel(axis: Axes, cells: dict[str, Any], metric: str) -> None:
    for index, (backend, by_strategy) in enumerate(cells.items()):
        offset = 0.2 * (index - (len(cells) - 1) / 2.0)
        values = np.array([cell["metrics"][metric] for cell in by_strategy.values()])
        n = values.shape[1]
        half = np.zeros(len(values))
        if n > 1:
            half = stdtrit(n - 1, 0.975) * values.std(axis=1, ddof=1) / np.sqrt(n)
        axis.errorbar(
            np.arange(len(values)) + offset,
            values.mean(axis=1),
            half,
            ls="none",
            ms=6,
            capsize=3,
            label=backend,
            **STYLES[backend],
        )
    names = list(next(iter(cells.values())))
    axis.set_xticks(range(len(names)), [name.replace("-", "\n") for name in names])
    axis.grid(axis="y", color="0.9")
    axis.set_axisbelow(True)


def _grid(rows: int, columns: int, *, width: float, height: float) -> Any:
    figure = Figure(
        figsize=(width * columns, height * rows + 1.0), layout="constrained"
    )
    FigureCanvasAgg(figure)
    # Panels of a row share their scale: they are there to be compared.
    return figure, figure.subplots(rows, columns, squeeze=False, sharey="row")


def _legend_below(figure: Figure, axis: Axes) -> None:
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=len(labels),
        frameon=False,
    )


def _save(figure: Figure, stem: Path) -> None:
    figure.savefig(stem.with_suffix(".svg"))
    figure.savefig(stem.with_suffix(".png"), dpi=150)
