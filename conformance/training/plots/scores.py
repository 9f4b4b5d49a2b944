"""Metrics of every strategy with intervals over seeds, backends side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from conformance.metrics.figures.style import make_figure
from conformance.training.plots.style import (
    SMALL,
    counted,
    height_of,
    interval,
    legend_below,
    marker_of,
    name_rows,
    numbers,
    offsets,
    strategies_of,
)
from conformance.training.plots.words import metric_name

# Beside what a recipe compares: how many of the rare ones are found.
_RECALLS = ("recall_half", "macro_recall_half", "balanced_accuracy")
_WIDTH = 3.3


def score_figures(outcome: Mapping[str, Any]) -> dict[str, Figure]:
    """Draws means and 95 % intervals, a row of panels for each data set."""
    data = {name: found for name, found in outcome["data"].items() if found["seeds"]}
    metrics = _metrics(outcome["recipe"]["statistics"], data)
    if not metrics:
        return {}
    rows = [len(strategies_of(found["seeds"])) for found in data.values()]
    figure, axes = make_figure(
        len(data),
        len(metrics),
        width=_WIDTH,
        height=height_of(sum(rows)) / len(data) + 0.6,
        height_ratios=[height_of(count) for count in rows],
        sharey="row",
    )
    for line, (name, found) in zip(axes, data.items(), strict=True):
        for axis, metric in zip(line, metrics, strict=True):
            _panel(axis, found["seeds"], metric)
            axis.set_title(f"{name}: {metric_name(metric)}", fontsize=9)
            best = found.get("bayes_f1")
            if metric == "f1_searched" and best is not None:
                axis.axvline(best, color="0.35", ls=":", label="best attainable")
    for axis in axes[-1]:
        axis.set_xlabel("value on the test part", fontsize=9)
    seeds = counted(
        len(next(iter(cell["metrics"].values())))
        for found in data.values()
        for own in found["seeds"].values()
        for cell in own.values()
    )
    figure.suptitle(
        f"{outcome['recipe']['name']}: mean and 95 % interval over {seeds}", fontsize=12
    )
    legend_below(figure, axes.flat)
    return {"scores": figure}


def _metrics(statistics: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    known = {
        metric
        for found in data.values()
        for own in found["seeds"].values()
        for cell in own.values()
        for metric in cell["metrics"]
    }
    asked = (statistics["main_metric"], *statistics["contrasted"], *_RECALLS)
    return [metric for metric in dict.fromkeys(asked) if metric in known]


def _panel(axis: Axes, cells: Mapping[str, Any], metric: str) -> None:
    names = strategies_of(cells)
    name_rows(axis, names)
    places = offsets(list(cells))
    for backend, own in cells.items():
        drawn = []
        for row, name in enumerate(names):
            values = numbers(
                own[name]["metrics"].get(metric, ()) if name in own else ()
            )
            at = row + places[backend]
            lost = int(np.isnan(values).sum())
            if lost:
                _say_lost(axis, at, lost, values.size)
            elif values.size:
                drawn.append((at, *interval(values)))
        _bars(axis, backend, drawn)


def _bars(axis: Axes, backend: str, drawn: Sequence[tuple[float, ...]]) -> None:
    rows, means, halves = zip(*drawn, strict=True) if drawn else ((), (), ())
    axis.errorbar(
        means,
        rows,
        xerr=halves,
        ls="none",
        ms=3.5,
        lw=1.2,
        capsize=1.6,
        label=backend,
        **marker_of(backend),
    )


def _say_lost(axis: Axes, at: float, lost: int, n: int) -> None:
    """A mean over the seeds that are left would hide the others."""
    axis.text(
        0.02,
        at,
        f"no number in {lost} of {n} seeds",
        transform=axis.get_yaxis_transform(),
        fontsize=SMALL - 3,
        color="0.35",
        va="center",
    )
