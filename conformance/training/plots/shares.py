"""Which classes the loss of trained models comes from."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from conformance.metrics.figures.style import COLOURS, make_figure
from conformance.training.plots.style import (
    finish,
    height_of,
    name_rows,
    numbers,
    pictures_of,
)

# What a panel shows, in the words of its title.
_KINDS = {"plain": "cross-entropy", "own": "the strategy's own loss"}
# Colours first, so that many classes are still told apart.
_HATCHES = ("", "///", "...", "xxx", "\\\\\\")


def share_figures(outcome: Mapping[str, Any]) -> dict[str, Figure]:
    """Draws every class's share of two losses, a row of panels for each data set."""
    data = {
        name: found
        for name, result in outcome["data"].items()
        if (found := pictures_of(result, "loss_share"))[1]
    }
    if not data:
        return {}
    rows = [len(pictures) for _, pictures in data.values()]
    figure, axes = make_figure(
        len(data),
        len(_KINDS),
        width=4.6,
        height=height_of(rows) / len(data),
        height_ratios=rows,
        sharey="row",
    )
    for line, (name, (backend, pictures)) in zip(axes, data.items(), strict=True):
        names = ["negatives", "positives"]
        if outcome["recipe"]["task"] == "multiclass":
            names = [
                f"class {k}" for k in range(len(next(iter(pictures.values()))["own"]))
            ]
        for axis, (kind, words) in zip(line, _KINDS.items(), strict=True):
            _panel(axis, {n: one[kind] for n, one in pictures.items()}, names)
            axis.set_title(f"{name}, {backend}: {words}", fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("share of the test loss in %", fontsize=9)
    finish(figure, axes.flat, f"{outcome['recipe']['name']}: loss share by class")
    return {"loss-share": figure}


def _panel(
    axis: Axes, shares: Mapping[str, Sequence[float]], names: Sequence[str]
) -> None:
    name_rows(axis, list(shares))
    table = 100.0 * numbers(shares.values())
    left = np.zeros(len(table))
    for place, own in enumerate(table.T):
        axis.barh(
            np.arange(len(table)),
            own,
            0.7,
            left,
            color=COLOURS[place % len(COLOURS)],
            hatch=_HATCHES[place % len(_HATCHES)],
            ec="white",
            lw=0.6,
            label=names[place],
        )
        left += own
    axis.set_xlim(0.0, 100.0)
