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
from refimpl.weights.explain import WeightReport, explain_pos_weight, explain_weights
from refimpl.weights.formulas import (
    effective_number,
    inverse_frequency,
    inverse_square_root,
    pos_weight,
)
from refimpl.weights.moving import (
    MovingCounts,
    init_moving_counts,
    moving_counts,
    update_moving_counts,
)

__all__ = [
    "LabelCounts",
    "MovingCounts",
    "PositiveCounts",
    "WeightReport",
    "count_labels",
    "count_positives",
    "effective_number",
    "explain_pos_weight",
    "explain_weights",
    "init_label_counts",
    "init_moving_counts",
    "init_positive_counts",
    "inverse_frequency",
    "inverse_square_root",
    "merge_counts",
    "moving_counts",
    "pos_weight",
    "update_moving_counts",
]
