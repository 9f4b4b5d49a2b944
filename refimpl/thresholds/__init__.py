"""Decision thresholds searched on validation scores."""

from refimpl.thresholds.many import (
    ClassThresholds,
    search_class_thresholds,
    search_global_threshold,
)
from refimpl.thresholds.search import Threshold, search_threshold

__all__ = [
    "ClassThresholds",
    "Threshold",
    "search_class_thresholds",
    "search_global_threshold",
    "search_threshold",
]
