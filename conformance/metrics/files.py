"""Metrics of what a file of scores holds."""

from typing import Any

import numpy as np

from conformance.metrics.report import Report, evaluate
from conformance.scores import Scores


def measured(scores: Scores, thresholds: Any = None, *, bins: int = 10) -> Report:
    """Evaluates what a file holds.

    Args:
        scores: Of one file.
        thresholds: On probabilities; those of the file, or 0.5, without any.
        bins: Of the reliability curve.

    Returns:
        The report.

    Raises:
        ValueError: Scores or labels that no metric takes, or thresholds that do not
            fit.
    """
    if thresholds is None and scores.task != "multiclass":
        thresholds = scores.told.get("thresholds")
    cuts = np.asarray(0.5 if thresholds is None else thresholds)
    names = scores.names
    if scores.task == "binary":
        names = (f"not {names[0]}", *names)
        cuts = cuts[0] if cuts.shape == (1,) else cuts
    labels = scores.labels
    if scores.task != "multiclass":
        labels = scores.truth.astype(np.int64)
    return evaluate(
        labels, scores.probabilities, thresholds=cuts, names=names, bins=bins
    )
