"""Which of many classes are drawn."""

from collections.abc import Sequence

from conformance.metrics.report import Report

# More curves or panels than these are not told apart.
MOST = 12


def chosen(report: Report) -> list[int]:
    """Returns the columns to draw: all, or the rarest that have examples."""
    supports = [row.support for row in report.classes]
    rarest = sorted(range(len(supports)), key=lambda k: (not supports[k], supports[k]))
    return sorted(rarest[:MOST])


def selection(report: Report, columns: Sequence[int]) -> str:
    """Says in a title that some classes are left out."""
    total = len(report.classes)
    return f", {len(columns)} rarest of {total}" if len(columns) < total else ""
