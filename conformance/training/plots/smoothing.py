"""What label smoothing costs and gives: accuracy and entropy by its alpha."""

import re
from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from conformance.metrics.figures.style import make_figure, tidy
from conformance.training.plots.style import (
    SMALL,
    counted,
    finish,
    interval,
    line_of,
    numbers,
    offsets,
    strategies_of,
)

# Metrics that a sweep moves, with the names of their axes.
_AXES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "entropy": "mean entropy of the\npredictions in nats",
}
_FEWEST = 3


def smoothing_figures(outcome: Mapping[str, Any]) -> dict[str, Figure]:
    """Draws means and 95 % intervals by alpha, a row of panels for each data set."""
    data = {
        name: (found["seeds"], alphas)
        for name, found in outcome["data"].items()
        if len(alphas := _alphas(strategies_of(found["seeds"]))) >= _FEWEST
    }
    known = {
        metric
        for cells, alphas in data.values()
        for own in cells.values()
        for metric in own[next(iter(alphas))]["metrics"]
    }
    metrics = [metric for metric in _AXES if metric in known]
    if "entropy" not in metrics:
        return {}
    figure, axes = make_figure(
        len(data), len(metrics), width=3.5, height=2.9, sharex=True
    )
    for line, (name, (cells, alphas)) in zip(axes, data.items(), strict=True):
        for axis, metric in zip(line, metrics, strict=True):
            _panel(axis, cells, alphas, metric)
            axis.set_title(name, fontsize=10)
            axis.set_ylabel(_AXES[metric], fontsize=9)
    for axis in axes[-1]:
        axis.set_xlabel("alpha of label smoothing", fontsize=9)
    seeds = counted(
        len(own[name]["metrics"]["entropy"])
        for cells, alphas in data.values()
        for own in cells.values()
        for name in alphas
    )
    title = f"Label smoothing, test part: mean and 95 % interval over {seeds}"
    finish(figure, axes.flat, title)
    return {"smoothing": figure}


def _alphas(names: list[str]) -> dict[str, float]:
    """Returns the alpha of every strategy of the sweep, in rising order.

    Example:
        >>> _alphas(["smooth-0.1", "plain", "joint-0.1", "smooth-0.05"])
        {'plain': 0.0, 'smooth-0.05': 0.05, 'smooth-0.1': 0.1}
    """
    found = {"plain": 0.0} if "plain" in names else {}
    for name in names:
        if match := re.fullmatch(r"smooth-(\d*\.?\d+)", name):
            found[name] = float(match[1])
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _panel(
    axis: Axes, cells: Mapping[str, Any], alphas: Mapping[str, float], metric: str
) -> None:
    places = offsets(list(cells), room=0.012)
    for backend, own in cells.items():
        drawn = [
            (alpha + places[backend], *interval(own[name]["metrics"][metric]))
            for name, alpha in alphas.items()
            if name in own and numbers(own[name]["metrics"].get(metric, ())).size
        ]
        at, means, halves = zip(*drawn, strict=True)
        axis.errorbar(
            at,
            means,
            halves,
            ms=4,
            lw=1.1,
            capsize=2,
            label=backend,
            **line_of(backend),
        )
    axis.set_xticks(list(alphas.values()), [f"{alpha:g}" for alpha in alphas.values()])
    axis.tick_params(labelsize=SMALL, labelbottom=True)
    tidy(axis)
