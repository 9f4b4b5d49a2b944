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
    finish,
    height_of,
    interval,
    line_of,
    marker_of,
    name_rows,
    numbers,
    offsets,
    strategies_of,
    width_of,
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
        width=width_of(len(metrics), _WIDTH),
        height=height_of(rows) / len(data),
        height_ratios=rows,
        sharey="row",
    )
    for line, (name, found) in zip(axes, data.items(), strict=True):
        for axis, metric in zip(line, metrics, strict=True):
            _panel(axis, found["seeds"], metric)
            axis.set_title(name, fontsize=10)
            axis.set_xlabel(metric_name(metric), fontsize=9)
            best = (found.get("attainable") or {}).get(metric)
            if best is not None and np.isfinite(best):
                axis.axvline(best, color="0.35", ls=":", label="true posterior")
        _only_drawn(line, found["seeds"], metrics)
    seeds = counted(
        len(next(iter(cell["metrics"].values())))
        for found in data.values()
        for own in found["seeds"].values()
        for cell in own.values()
    )
    recipe = outcome["recipe"]["name"]
    title = f"{recipe}, test part: mean and 95 % interval over {seeds}"
    finish(figure, axes.flat, title)
    return {"scores": figure}


def _known(cells: Mapping[str, Any]) -> set[str]:
    return {
        metric
        for own in cells.values()
        for cell in own.values()
        for metric in cell["metrics"]
    }


def _metrics(statistics: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    known = {metric for found in data.values() for metric in _known(found["seeds"])}
    asked = (statistics["main_metric"], *statistics["contrasted"], *_RECALLS)
    return [metric for metric in dict.fromkeys(asked) if metric in known]


def _only_drawn(
    line: Sequence[Axes], cells: Mapping[str, Any], metrics: Sequence[str]
) -> None:
    """Hides panels of metrics that a data set does not have."""
    known = _known(cells)
    drawn = [axis for axis, m in zip(line, metrics, strict=True) if m in known]
    for axis in line:
        axis.set_visible(axis in drawn)
        axis.tick_params(labelleft=axis is drawn[0])


def _panel(axis: Axes, cells: Mapping[str, Any], metric: str) -> None:
    names = strategies_of(cells)
    name_rows(axis, names)
    places = offsets(list(cells))
    for backend, own in cells.items():
        drawn = []
        for row, name in enumerate(names):
            cell = own.get(name, {"metrics": {}})
            values = numbers(cell["metrics"].get(metric, ()))
            at = row + places[backend]
            lost = int(np.isnan(values).sum())
            if lost:
                words = f"no number in {lost} of {values.size} seeds"
                _say(axis, at, words, line_of(backend)["color"])
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


def _say(axis: Axes, at: float, words: str, color: str) -> None:
    """Writes what stands for a mean: one over the seeds left would hide the others."""
    axis.text(
        0.02,
        at,
        words,
        transform=axis.get_yaxis_transform(),
        fontsize=SMALL - 2.5,
        color=color,
        va="center",
    )
