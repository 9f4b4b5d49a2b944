"""Which of many classes are drawn."""

from collections.abc import Sequence

from conformance.metrics.report import Report

# More curves or panels than these are not told apart.
MOST = 12


def chosen(report: Report) -> list[int]:
    """Returns the columns to draw: all, or the rarest that have examples."""
    return rarest([row.support for row in report.classes])


def rarest(supports: Sequence[int]) -> list[int]:
    """Returns all columns, or the rarest that have examples.

    Example:
        >>> rarest([0, 9, 8, *range(11, 22)])
        [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
    """
    order = sorted(range(len(supports)), key=lambda k: (not supports[k], supports[k]))
    return sorted(order[:MOST])


def selection(report: Report, columns: Sequence[int]) -> str:
    """Says in a title that some classes are left out."""
    total = len(report.classes)
    return f", {len(columns)} rarest of {total}" if len(columns) < total else ""
