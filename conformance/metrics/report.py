"""All metrics of one set of predictions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import ArrayLike

from conformance.metrics.calibration import Reliability, claimed, curve
from conformance.metrics.classes import Average, ClassMetrics, averages, class_metrics
from conformance.metrics.confusion import Confusion, confusions
from conformance.metrics.decisions import class_thresholds, decide, decided_accuracy
from conformance.metrics.inputs import Predictions, read_scores
from conformance.metrics.plain import plain
from conformance.metrics.proper import brier, mean_log_loss, predictive_entropy


@dataclass(frozen=True)
class Overall:
    """Metrics of all classes together; None where there is no data.

    Attributes:
        accuracy: Share of right examples; every label right in multi-label data.
        balanced_accuracy: Mean recall of the classes; None in multi-label data.
        brier: In [0, 1]; sum over classes in multi-class data, in [0, 2].
        log_loss: In nats.
        ece: Expected calibration error.
        entropy: Mean predictive entropy of an example (of an element in multi-label
            data), in nats.
    """

    accuracy: float
    balanced_accuracy: float | None
    brier: float
    log_loss: float
    ece: float
    entropy: float


@dataclass(frozen=True)
class Report:
    """What predictions are worth.

    Attributes:
        kind: ``"binary"``, ``"multilabel"`` or ``"multiclass"``.
        examples: How many.
        overall: Metrics of all classes together.
        classes: Metrics of each class; of the positive one alone in binary data.
        averages: Over classes; empty in binary data.
        confusions: One matrix, or one for each label of multi-label data.
        reliability: The reliability curve.
        scores: What the report is about; figures need it, JSON leaves it out.
    """

    kind: str
    examples: int
    overall: Overall
    classes: tuple[ClassMetrics, ...]
    averages: tuple[Average, ...]
    confusions: tuple[Confusion, ...]
    reliability: Reliability
    scores: Predictions = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Returns dictionaries, lists, strings and numbers; None is no data."""
        return plain(self)

    def to_json(self) -> str:
        """Returns strict JSON; null is no data."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False)


def evaluate(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    thresholds: ArrayLike = 0.5,
    names: Sequence[str] | None = None,
    bins: int = 10,
    strategy: str = "uniform",
) -> Report:
    """Computes every metric of a set of predictions.

    Args:
        labels: 0 or 1 shaped like ``probabilities``, or class indices ``(N,)``.
        probabilities: In [0, 1]: ``(N,)`` of the positive class, ``(N, C)`` of C
            independent labels, or ``(N, K)``, rows summing to 1, of K >= 2 classes.
        thresholds: A finite number, or one for each class: predict where
            ``probability >= threshold``. Multi-class data has none: the largest
            probability wins, the first where several are equal.
        names: Of the classes, C or K of them; for ``(N,)`` the negative class and the
            positive one. ``None`` counts from 0.
        bins: Of the reliability curve, >= 1.
        strategy: ``"uniform"`` or ``"quantile"`` bins.

    Returns:
        The report.

    Raises:
        TypeError: ``bins`` is no integer.
        ValueError: Shapes that fit no kind, no example, or a value out of range.

    Convention:
        0 / 0 is no data, None here and null in JSON: precision where nothing is
        predicted, recall and average precision without positives, AUROC with one class
        only. Macro averages leave such classes out (scikit-learn's
        ``zero_division=nan``), micro averages pool all elements, weighted ones go by
        support. Areas of multi-class data are one class against the rest.

    Example:
        >>> report = evaluate([0, 0, 1, 1], [0.1, 0.6, 0.4, 0.8], thresholds=0.35)
        >>> report.classes[0].recall, report.confusions[0].counts
        (1.0, ((1, 1), (0, 2)))
    """
    scores = read_scores(labels, probabilities, names=names)
    decisions = decide(scores, thresholds)
    exclusive = scores.kind == "multiclass"
    known = class_thresholds(scores, thresholds)
    binned = {"bins": bins, "strategy": strategy}
    rows = class_metrics(
        scores, decisions, [None if exclusive else float(t) for t in known], **binned
    )
    matrices = confusions(scores, decisions)
    calibration = curve(*claimed(scores), **binned)
    entropy = predictive_entropy(scores.probabilities, exclusive=exclusive)
    return Report(
        kind=scores.kind,
        examples=len(scores.labels),
        overall=Overall(
            accuracy=decided_accuracy(scores, decisions),
            balanced_accuracy=(
                None if scores.kind == "multilabel" else matrices[0].balanced_accuracy
            ),
            brier=brier(scores),
            log_loss=mean_log_loss(scores),
            ece=calibration.ece,
            entropy=float(entropy.mean()),
        ),
        classes=rows,
        averages=averages(scores, decisions, rows),
        confusions=matrices,
        reliability=calibration,
        scores=scores,
    )
