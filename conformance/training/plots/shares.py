"""Which classes the loss of a strategy comes from."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from conformance.metrics.figures.style import COLOURS, make_figure
from conformance.training.plots.style import (
    SMALL,
    height_of,
    legend_below,
    name_rows,
    numbers,
    pictures_of,
)

# Of bars with many classes; a hatch tells apart what colours say again.
_HATCHES = ("", "///", "...", "xxx", "\\\\\\")


def share_figures(outcome: Mapping[str, Any]) -> dict[str, Figure]:
    """Draws the mean share of every class, a panel for each data set."""
    data = {
        name: found
        for name, result in outcome["data"].items()
        if (found := pictures_of(result, "loss_share"))[1]
    }
    if not data:
        return {}
    rows = max(len(pictures) for _, pictures in data.values())
    figure, axes = make_figure(1, len(data), width=4.6, height=height_of(rows) + 0.6)
    for axis, (name, (backend, pictures)) in zip(axes[0], data.items(), strict=True):
        _panel(axis, pictures)
        axis.set_title(f"{name}, {backend}", fontsize=10)
        axis.set_xlabel("share of the training loss in %", fontsize=9)
    figure.suptitle(
        f"{outcome['recipe']['name']}: loss share by class, mean over seeds",
        fontsize=12,
    )
    legend_below(figure, axes.flat)
    return {"loss-share": figure}


def _panel(axis: Axes, pictures: Mapping[str, Any]) -> None:
    name_rows(axis, list(pictures))
    classes = list(next(iter(pictures.values())))
    left = np.zeros(len(pictures))
    for place, label in enumerate(classes):
        shares = np.array(
            [100.0 * numbers(one[label]).mean() for one in pictures.values()]
        )
        axis.barh(
            np.arange(len(pictures)),
            shares,
            0.7,
            left,
            color=COLOURS[place % len(COLOURS)],
            hatch=_HATCHES[place % len(_HATCHES)],
            ec="white",
            lw=0.6,
            label=label,
        )
        left += shares
    axis.set_xlim(0.0, 100.0)
    axis.tick_params(labelsize=SMALL)
