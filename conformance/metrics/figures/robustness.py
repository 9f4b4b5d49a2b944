"""A metric against the noise on the features."""

from collections.abc import Mapping

from matplotlib.figure import Figure

from conformance.metrics.figures.style import (
    MARKERS,
    line_style,
    make_figure,
    shortened,
    tidy,
)
from conformance.metrics.robustness import Robustness


def robustness_figure(found: Mapping[str, Robustness], *, metric: str) -> Figure:
    """Draws means over repeats, with a standard deviation up and down.

    Args:
        found: Results by strategy.
        metric: What the metric is called.
    """
    figure, grid = make_figure(1, 1, width=5.6, height=3.8)
    axis = grid[0, 0]
    for place, (name, result) in enumerate(found.items()):
        deviations = [0.0 if d is None else d for d in result.deviations]
        axis.errorbar(
            result.sigmas,
            result.means,
            deviations,
            label=shortened(name, 40),
            marker=MARKERS[place % len(MARKERS)],
            ms=5,
            lw=1.5,
            capsize=3,
            **line_style(place),
        )
    axis.set_title(f"{metric} under Gaussian noise", fontsize=11)
    axis.set_xlabel("standard deviation of the noise, in the unit of the features")
    axis.set_ylabel(metric)
    axis.legend(fontsize=9, frameon=False)
    tidy(axis)
    return figure
