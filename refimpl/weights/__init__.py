"""Weights against imbalance: counting, formulas, and what they do."""

from refimpl.weights.counting import (
    LabelCounts,
    PositiveCounts,
    count_labels,
    count_positives,
    init_label_counts,
    init_positive_counts,
    merge_counts,
)

__all__ = [
    "LabelCounts",
    "PositiveCounts",
    "count_labels",
    "count_positives",
    "init_label_counts",
    "init_positive_counts",
    "merge_counts",
]
