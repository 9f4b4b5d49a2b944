"""Heat maps of confusion matrices."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from conformance.metrics.confusion import Confusion
from conformance.metrics.figures.selection import MOST
from conformance.metrics.figures.style import make_figure, make_panels, shortened


def confusion_figure(confusions: Sequence[Confusion], *, selected: str = "") -> Figure:
    """Draws counts and shares of the true class, coloured by share.

    Args:
        confusions: One of K classes, or one of 2 by 2 for each of several labels.
        selected: What the title adds where some are left out.
    """
    if len(confusions) == 1 and not confusions[0].title:
        (confusion,) = confusions
        size = 2.0 + 0.62 * min(len(confusion.names), MOST)
        figure, grid = make_figure(1, 1, width=size + 1.2, height=size)
        axes = [grid[0, 0]]
        axes[0].set_xlabel("predicted", fontsize=9)
    else:
        figure, axes = make_panels(
            len(confusions), x_label="predicted", width=2.5, height=2.6
        )
    what = "counts and shares" if len(confusions[0].names) <= MOST else "shares"
    figure.suptitle(f"Confusion: {what} of the true class{selected}", fontsize=11)
    for axis, confusion in zip(axes, confusions, strict=True):
        _heat_map(axis, confusion)
    bar = figure.colorbar(axes[0].images[0], ax=axes, shrink=0.8, pad=0.02)
    bar.set_label("share of the true class", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    return figure


def _heat_map(axis: Axes, confusion: Confusion) -> None:
    shares = np.array(confusion.shares, dtype=np.float64)
    # A row without examples is grey: no data is not 0.
    colours = colormaps["Blues"].with_extremes(bad="0.88")
    axis.imshow(shares, cmap=colours, vmin=0.0, vmax=1.0)
    count = len(confusion.names)
    if count <= MOST:
        names = [shortened(name) for name in confusion.names]
        # Long names would run into one another.
        turn = 45 if max(map(len, names)) > 5 and count > 2 else 0
        align = "right" if turn else "center"
        axis.set_xticks(range(count), names, rotation=turn, ha=align)
        axis.set_yticks(range(count), names)
        _write_cells(axis, confusion, shares)
    axis.tick_params(labelsize=8, length=0)
    axis.set_ylabel("true", fontsize=9)
    if confusion.title:
        axis.set_title(shortened(confusion.title), fontsize=10)


def _write_cells(axis: Axes, confusion: Confusion, shares: np.ndarray) -> None:
    size = 8 if len(confusion.names) <= 6 else 7
    for i, row in enumerate(confusion.counts):
        for j, count in enumerate(row):
            share = shares[i, j]
            text = "no data" if np.isnan(share) else f"{count}\n{percent(share)}"
            colour = "white" if share > 0.55 else "black"
            axis.text(j, i, text, ha="center", va="center", fontsize=size, color=colour)


def percent(share: float) -> str:
    """Shows a share of something as whole percents, but nothing as 0 or all.

    Example:
        >>> [percent(share) for share in (0.0, 0.001, 0.5, 0.999, 1.0)]
        ['0 %', '<1 %', '50 %', '>99 %', '100 %']
    """
    if 0.0 < share < 0.005:
        return "<1 %"
    if 0.995 <= share < 1.0:
        return ">99 %"
    return f"{share:.0%}".replace("%", " %")
