"""Precision against recall, and the ROC curve."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.metrics import precision_recall_curve, roc_curve

from conformance.metrics.classes import ClassMetrics
from conformance.metrics.figures.selection import selection
from conformance.metrics.figures.style import line_style, make_figure, shortened, tidy
from conformance.metrics.report import Report

MARK: dict[str, Any] = {"marker": "o", "ms": 7, "mew": 1.6, "mfc": "white", "ls": ""}


def curves_figure(report: Report, columns: Sequence[int]) -> Figure:
    """Draws both curves with the points where decisions are made.

    Args:
        report: What to draw.
        columns: Which classes.
    """
    figure, grid = make_figure(1, 2, width=4.6, height=4.2 + 0.1 * len(columns))
    left, right = grid[0]
    for place, column in enumerate(columns):
        _curves(left, right, report, column, line_style(place))
    right.plot([0, 1], [0, 1], color="0.45", ls="--", lw=1.0)
    rate = report.classes[columns[0]].positive_rate
    if len(columns) == 1:
        left.axhline(rate, color="0.45", ls="--", lw=1.0)
    title = "Precision and recall" + selection(report, columns)
    names = {
        left: (title, "recall", "precision"),
        right: ("ROC", "false positive rate", "true positive rate (recall)"),
    }
    for axis, (title, x, y) in names.items():
        axis.set_title(title, fontsize=11)
        axis.set(xlabel=x, ylabel=y, xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        tidy(axis)
    _legend(figure, left)
    return figure


def _curves(
    left: Axes, right: Axes, report: Report, column: int, style: dict[str, Any]
) -> None:
    row = report.classes[column]
    truth = report.scores.indicators[:, column]
    p = report.scores.columns[:, column]
    if row.average_precision is None or row.auroc is None:
        left.plot([], [], label=f"{shortened(row.name)}: no data", **style)
        return
    label = f"{shortened(row.name)}: AP {row.average_precision:.3f}"
    precision, recall, _ = precision_recall_curve(truth, p, drop_intermediate=True)
    # Between two thresholds precision is that of the lower one: nothing interpolates.
    left.plot(
        recall,
        precision,
        drawstyle="steps-post",
        label=f"{label}, AUROC {row.auroc:.3f}",
        lw=1.5,
        **style,
    )
    false_positive_rate, true_positive_rate, _ = roc_curve(truth, p)
    right.plot(false_positive_rate, true_positive_rate, lw=1.5, **style)
    _mark(left, right, row, report.examples, style["color"])


def _mark(
    left: Axes, right: Axes, row: ClassMetrics, examples: int, colour: str
) -> None:
    """Marks where the class is decided."""
    if row.recall is None:
        return
    if row.precision is not None:
        left.plot(row.recall, row.precision, color=colour, **MARK)
    false_positives = row.predicted - row.recall * row.support
    rate = false_positives / (examples - row.support)
    right.plot(rate, row.recall, color=colour, **MARK)


def _legend(figure: Figure, axis: Axes) -> None:
    handles, labels = axis.get_legend_handles_labels()
    point = Line2D([], [], color="0.3", **MARK)
    dashes = Line2D([], [], color="0.45", ls="--", lw=1.0)
    figure.legend(
        [*handles, point, dashes],
        [*labels, "decisions", "chance"],
        loc="outside lower center",
        ncols=2,
        fontsize=8,
        frameon=False,
    )
