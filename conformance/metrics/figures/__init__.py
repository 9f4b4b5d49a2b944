"""A report as figures."""

from matplotlib.figure import Figure

from conformance.metrics.figures.calibration import reliability_figure
from conformance.metrics.figures.confusion import confusion_figure
from conformance.metrics.figures.curves import curves_figure
from conformance.metrics.figures.histograms import histograms_figure
from conformance.metrics.figures.robustness import robustness_figure
from conformance.metrics.figures.selection import chosen, selection
from conformance.metrics.figures.style import figure_bytes
from conformance.metrics.report import Report

__all__ = ["figure_bytes", "report_figures", "robustness_figure"]


def report_figures(report: Report) -> dict[str, Figure]:
    """Draws a report.

    Args:
        report: Of :func:`evaluate`.

    Returns:
        ``"confusion"``, ``"reliability"``, ``"curves"`` (precision and recall, ROC) and
        ``"histograms"``. Of more than 12 classes the 12 rarest with examples have
        curves, histograms and, of multi-label data, a matrix.
    """
    columns = chosen(report)
    matrices, selected = report.confusions, ""
    if report.kind == "multilabel":
        matrices = [matrices[column] for column in columns]
        selected = selection(report, columns)
    return {
        "confusion": confusion_figure(matrices, selected=selected),
        "reliability": reliability_figure(report.reliability, kind=report.kind),
        "curves": curves_figure(report, columns),
        "histograms": histograms_figure(report, columns),
    }
