"""Gradient norms of the trained models, and the weights GHM-C gives them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from conformance.metrics.figures.style import COLOURS, make_panels, shortened, tidy
from conformance.training.plots.style import (
    LONGEST,
    SMALL,
    finish,
    numbers,
    panel_size,
    pictures_of,
)


def gradient_figures(outcome: Mapping[str, Any]) -> dict[str, Figure]:
    """Draws histograms with a weight for each bin, a figure for each data set."""
    drawn = {}
    for data, found in outcome["data"].items():
        backend, pictures = pictures_of(found, "gradient_norms")
        if pictures:
            what = f"{outcome['recipe']['name']}, {data}"
            title = f"{what}: gradient norms on the test part, {backend}"
            drawn[f"gradient-norms-{data}"] = _figure(title, pictures)
    return drawn


def _figure(title: str, pictures: Mapping[str, Any]) -> Figure:
    figure, axes = make_panels(
        len(pictures),
        x_label="gradient norm |p - y|",
        **panel_size(len(pictures), 2.7, 2.2),
        sharex=True,
        sharey=True,
    )
    for axis, (name, bins) in zip(axes, pictures.items(), strict=True):
        _panel(axis, bins)
        axis.set_title(shortened(name, LONGEST), fontsize=9)
    figure.supylabel("examples; weight", fontsize=9)
    finish(figure, axes, title)
    return figure


def _panel(axis: Axes, bins: Mapping[str, Any]) -> None:
    edges, counts = numbers(bins["edges"]), numbers(bins["count"])
    axis.stairs(counts, edges, fill=True, color="0.75", label="examples in a bin")
    weights = numbers(bins["weight"])
    # Both are pure numbers over many decades, so that one axis serves them.
    axis.stairs(
        np.where(weights > 0.0, weights, np.nan),
        edges,
        baseline=None,
        color=COLOURS[0],
        lw=1.6,
        label="weight that GHM-C gives them",
    )
    axis.set_yscale("log")
    axis.minorticks_off()
    axis.tick_params(labelsize=SMALL, labelbottom=True)
    tidy(axis)
