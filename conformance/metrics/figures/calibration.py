"""Reliability curve."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from conformance.metrics.calibration import Reliability
from conformance.metrics.figures.style import COLOURS, make_figure, tidy

# What the axes are called, along and up, and what the title adds.
WORDS = {
    "binary": ("probability", "share of positives", ""),
    "multilabel": ("probability", "share of positives", " of all labels together"),
    "multiclass": ("largest probability", "share of right answers", ""),
}


def reliability_figure(found: Reliability, *, kind: str = "binary") -> Figure:
    """Draws the curve above the number of examples in each bin.

    Args:
        found: What to draw.
        kind: Of the problem.
    """
    figure, grid = make_figure(
        2, 1, width=5.2, height=2.6, sharex=True, height_ratios=(3.2, 1)
    )
    upper, lower = grid[:, 0]
    _curve(upper, found)
    _counts(lower, found)
    along, up, what = WORDS[kind]
    upper.set_ylabel(up)
    lower.set_xlabel(along)
    bins = f"{len(found.bins)} {found.strategy} bins"
    upper.set_title(f"Reliability{what}: ECE {found.ece:.4f}, {bins}", fontsize=11)
    return figure


def _curve(axis: Axes, found: Reliability) -> None:
    points = [
        (entry.probability, entry.rate)
        for entry in found.bins
        if entry.probability is not None and entry.rate is not None
    ]
    axis.plot([0, 1], [0, 1], color="0.45", ls="--", lw=1.2, label="calibrated")
    at, rates = zip(*points, strict=True)
    axis.vlines(at, at, rates, color=COLOURS[1], lw=1.6, label="gap")
    axis.plot(at, rates, color=COLOURS[0], marker="o", ms=5, lw=1.5, label="model")
    axis.set_xlim(-0.02, 1.02)
    axis.set_ylim(-0.02, 1.02)
    axis.legend(loc="upper left", fontsize=9, frameon=False)
    tidy(axis)


def _counts(axis: Axes, found: Reliability) -> None:
    counts = [entry.count for entry in found.bins]
    lows = [entry.low for entry in found.bins]
    widths = [entry.high - entry.low for entry in found.bins]
    axis.bar(lows, counts, widths, align="edge", color="0.75", ec="white", lw=0.8)
    # Rare bins are what the eye must not miss beside a thousand times as many.
    axis.set_yscale("log")
    axis.set_ylim(0.5, 5.0 * max(counts))
    if found.strategy == "uniform" and len(counts) <= 12:
        for entry in found.bins:
            at = ((entry.low + entry.high) / 2.0, entry.count)
            label = str(entry.count) if entry.count else ""
            axis.annotate(label, at, ha="center", va="bottom", fontsize=7)
    axis.set_ylabel("examples")
    tidy(axis)
