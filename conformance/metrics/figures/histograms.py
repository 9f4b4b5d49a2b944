"""Probabilities of the examples of a class and of all others."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from conformance.metrics.classes import ClassMetrics
from conformance.metrics.figures.selection import selection
from conformance.metrics.figures.style import (
    COLOURS,
    LINES,
    make_panels,
    shortened,
    tidy,
)
from conformance.metrics.report import Report

EDGES = np.arange(26) / 25


def histograms_figure(report: Report, columns: Sequence[int]) -> Figure:
    """Draws how probabilities are spread, a panel for each class.

    Args:
        report: What to draw.
        columns: Which classes.
    """
    width, height = (5.2, 3.4) if len(columns) == 1 else (2.9, 2.3)
    figure, axes = make_panels(
        len(columns),
        x_label="probability",
        width=width,
        height=height,
        sharex=True,
        sharey=True,
    )
    for axis, column in zip(axes, columns, strict=True):
        truth = report.scores.indicators[:, column]
        _panel(axis, report.classes[column], truth, report.scores.columns[:, column])
    title = "Probabilities of a class, by what is true"
    figure.suptitle(title + selection(report, columns), fontsize=11)
    figure.supylabel("share of the examples", fontsize=9)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower center",
        ncols=len(labels),
        fontsize=8,
        frameon=False,
    )
    return figure


def _panel(axis: Axes, row: ClassMetrics, truth: NDArray, p: NDArray) -> None:
    for value, label in enumerate(("others", "the class")):
        colour = COLOURS[value]
        own = p[truth == value]
        shares = np.histogram(own, EDGES)[0] / max(len(own), 1)
        axis.stairs(shares, EDGES, color=colour, ls=LINES[value], lw=1.6, label=label)
        axis.stairs(shares, EDGES, color=colour, fill=True, alpha=0.15)
    if row.threshold is not None:
        axis.axvline(row.threshold, color="0.35", lw=1.2, ls=":", label="threshold")
    axis.set_yscale("log")
    axis.minorticks_off()
    axis.set_title(f"{shortened(row.name)}: {row.support} of {len(p)}", fontsize=9)
    axis.tick_params(labelsize=8)
    tidy(axis)
