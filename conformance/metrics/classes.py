"""Metrics of each class, and their averages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)

from conformance.metrics.calibration import curve
from conformance.metrics.inputs import Predictions
from conformance.metrics.proper import binary_brier

# Typed, because the type that scikit-learn declares is that of its default, "warn".
_NO_DATA: Any = np.nan


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class against all others; None where there is no data.

    Attributes:
        name: Of the class.
        support: How many examples belong to it.
        positive_rate: Their share of all examples.
        predicted: How many examples are predicted to belong to it.
        precision: None if nothing is predicted.
        recall: None without support.
        f1: None if there is neither support nor prediction.
        threshold: Where prediction starts; None where the largest probability decides.
        average_precision: Area under precision and recall; None without support.
        auroc: Area under the ROC curve; None unless some belong and some do not.
        brier: Mean squared difference between probability and truth.
        ece: Expected calibration error.
        pass_rate: Share of probabilities >= 0.5.
        mean_probability: To be compared with ``positive_rate``.
    """

    name: str
    support: int
    positive_rate: float
    predicted: int
    precision: float | None
    recall: float | None
    f1: float | None
    threshold: float | None
    average_precision: float | None
    auroc: float | None
    brier: float
    ece: float
    pass_rate: float
    mean_probability: float


@dataclass(frozen=True)
class Average:
    """An average over classes, by scikit-learn's rules.

    Attributes:
        name: ``"macro"`` (mean of the classes that have the metric), ``"micro"`` (all
            elements together) or ``"weighted"`` (mean by support).
        precision: None where no class has it, as all others.
        recall: See there.
        f1: See there.
        average_precision: See there.
        auroc: See there.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    average_precision: float | None
    auroc: float | None


def class_metrics(
    scores: Predictions,
    decisions: NDArray[np.int64],
    thresholds: Sequence[float | None],
    *,
    bins: int,
    strategy: str,
) -> tuple[ClassMetrics, ...]:
    """Computes the metrics of every column.

    Args:
        scores: Labels and probabilities.
        decisions: 0 or 1, shaped ``(N, C)``.
        thresholds: Of the columns.
        bins: Of the calibration error.
        strategy: Of those bins.
    """
    rows = []
    for c, name in enumerate(scores.column_names):
        truth, p = scores.indicators[:, c], scores.columns[:, c]
        decided = decisions[:, c]
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth, decided, average="binary", zero_division=_NO_DATA
        )
        rows.append(
            ClassMetrics(
                name=name,
                support=int(truth.sum()),
                positive_rate=float(truth.mean()),
                predicted=int(decided.sum()),
                precision=_known(precision),
                recall=_known(recall),
                f1=_known(f1),
                threshold=thresholds[c],
                average_precision=average_precision(truth, p),
                auroc=auroc(truth, p),
                brier=binary_brier(truth, p),
                ece=curve(truth, p, bins=bins, strategy=strategy).ece,
                pass_rate=float((p >= 0.5).mean()),
                mean_probability=float(p.mean()),
            )
        )
    return tuple(rows)


def averages(
    scores: Predictions, decisions: NDArray[np.int64], rows: Sequence[ClassMetrics]
) -> tuple[Average, ...]:
    """Averages over classes; nothing where there is one column only.

    Args:
        scores: Labels and probabilities.
        decisions: 0 or 1, shaped ``(N, C)``.
        rows: Metrics of the columns.
    """
    if len(rows) < 2:
        return ()
    support = [row.support for row in rows]
    areas = {
        "macro": (
            _mean([row.average_precision for row in rows]),
            _mean([row.auroc for row in rows]),
        ),
        "micro": (
            average_precision(scores.indicators.ravel(), scores.columns.ravel()),
            auroc(scores.indicators.ravel(), scores.columns.ravel()),
        ),
        "weighted": (
            _mean([row.average_precision for row in rows], support),
            _mean([row.auroc for row in rows], support),
        ),
    }
    found = []
    for name, (area, roc) in areas.items():
        precision, recall, f1, _ = precision_recall_fscore_support(
            scores.indicators, decisions, average=name, zero_division=_NO_DATA
        )
        found.append(
            Average(name, _known(precision), _known(recall), _known(f1), area, roc)
        )
    return tuple(found)


def average_precision(truth: NDArray, probabilities: NDArray) -> float | None:
    """Computes average precision; None without positives."""
    if not truth.any():
        return None
    return float(average_precision_score(truth, probabilities))


def auroc(truth: NDArray, probabilities: NDArray) -> float | None:
    """Computes the area under the ROC curve; None where one class is missing."""
    if not truth.any() or truth.all():
        return None
    return float(roc_auc_score(truth, probabilities))


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _mean(
    values: Sequence[float | None], weights: Sequence[float] | None = None
) -> float | None:
    """Averages what is known."""
    numbers = np.array(values, dtype=np.float64)
    known = ~np.isnan(numbers)
    chosen = np.ones(len(numbers)) if weights is None else np.asarray(weights)
    if not chosen[known].sum():
        return None
    return float(np.average(numbers[known], weights=chosen[known]))
