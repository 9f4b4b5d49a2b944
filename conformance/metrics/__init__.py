"""Metrics of predictions, as numbers, tables and figures."""

from conformance.metrics.calibration import Reliability, reliability
from conformance.metrics.confusion import Confusion, confusion_from_counts
from conformance.metrics.decisions import accuracy
from conformance.metrics.figures import (
    figure_bytes,
    report_figures,
    robustness_figure,
)
from conformance.metrics.inputs import probabilities_from_logits
from conformance.metrics.proper import predictive_entropy
from conformance.metrics.report import Report, evaluate
from conformance.metrics.robustness import Robustness, noise_robustness
from conformance.metrics.tables import report_tables, robustness_table

__all__ = [
    "Confusion",
    "Reliability",
    "Report",
    "Robustness",
    "accuracy",
    "confusion_from_counts",
    "evaluate",
    "figure_bytes",
    "noise_robustness",
    "predictive_entropy",
    "probabilities_from_logits",
    "reliability",
    "report_figures",
    "report_tables",
    "robustness_figure",
    "robustness_table",
]
