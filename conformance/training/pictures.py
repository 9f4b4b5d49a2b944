"""Numbers that the figures of one cell are drawn from, pooled over its models."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from conformance.metrics import probabilities_from_logits
from conformance.metrics.calibration import claimed, curve
from conformance.metrics.inputs import read_scores
from conformance.training import theory
from conformance.training.data import Problem
from conformance.training.losses import bound, initial_state
from conformance.training.predictions import Predictions
from conformance.training.recipe import DataPlan, Strategy

Array = NDArray[np.float64]

BINS = 10


def measure(
    problem: Problem,
    plan: DataPlan,
    strategy: Strategy,
    predictions: Predictions,
    last_weights: Sequence[Any] | None,
) -> dict[str, Any]:
    """Computes the data of the figures, on the test part.

    Args:
        problem: As in :func:`conformance.training.theory.measure`, like all others.
        plan: See there.
        strategy: See there.
        predictions: See there.
        last_weights: See there.

    Returns:
        Plain lists and numbers, over the models whose logits are finite; nothing where
        there is none:

        - ``reliability``: ``raw`` and, where the strategy has a link, ``corrected``:
          bins of ``low``, ``high``, ``count``, ``probability`` and ``rate``;
        - ``gradient_norms`` of one logit for each example: ``edges``, and by bin the
          mean ``count`` of a model, and the ``weight`` that GHM-C gives;
        - ``loss_share``: of the negatives and the positives, or of every class, in the
          loss without (``plain``) and with (``own``) what the strategy does to it.
    """
    finite = np.array([np.isfinite(own).all() for own in predictions.test])
    if not finite.any():
        return {}
    told = [None] * len(finite) if last_weights is None else last_weights
    logits = predictions.test[finite]
    weights = [own for own, kept in zip(told, finite, strict=True) if kept]
    found: dict[str, Any] = {
        "reliability": _reliability(problem, plan, strategy, logits, weights),
        "loss_share": _loss_share(problem, strategy, logits, weights),
    }
    if problem.task == "binary":
        found["gradient_norms"] = _gradient_norms(problem.test.labels, logits)
    return found


def _reliability(
    problem: Problem,
    plan: DataPlan,
    strategy: Strategy,
    logits: Array,
    weights: Sequence[Any],
) -> dict[str, Any]:
    activation = "softmax" if problem.task == "multiclass" else "sigmoid"
    raw = probabilities_from_logits(logits, activation=activation)
    corrected = theory.corrected(problem, plan, strategy, logits, weights)
    found = {"raw": _bins(problem, raw)}
    return (
        found
        if corrected is None
        else {**found, "corrected": _bins(problem, corrected)}
    )


def _bins(problem: Problem, probabilities: Array) -> list[dict[str, Any]]:
    labels = problem.test.labels
    if problem.task == "heatmap":
        labels = 1.0 * (labels == 1.0)
    pairs = [claimed(read_scores(labels, own)) for own in probabilities]
    outcomes, confidences = (np.concatenate(part) for part in zip(*pairs, strict=True))
    found = curve(outcomes, confidences, bins=BINS, strategy="uniform")
    return [asdict(entry) for entry in found.bins]


def _gradient_norms(labels: Array, logits: Array) -> dict[str, Any]:
    """Counts norms of the gradient by the logit, of cross-entropy.

    References:
        Li et al., 2019, eq. 5 to 8. https://arxiv.org/abs/1811.05181
    """
    # 1 - sigmoid(x) would round where sigmoid(-x) does not.
    norms = expit(np.where(labels == 1.0, -logits, logits))
    counts, edges = np.histogram(norms, BINS, (0.0, 1.0))
    counts = counts / len(logits)
    filled = counts > 0
    weights = np.zeros(BINS)
    weights[filled] = labels.size / (counts[filled] * filled.sum())
    return {
        "edges": edges.tolist(),
        "count": counts.tolist(),
        "weight": weights.tolist(),
    }


def _loss_share(
    problem: Problem, strategy: Strategy, logits: Array, weights: Sequence[Any]
) -> dict[str, list[float]]:
    loss = (
        "cross_entropy"
        if problem.task == "multiclass"
        else ("binary_cross_entropy_with_logits")
    )
    plain = Strategy("plain", loss)
    nothing = [None] * len(logits)
    return {
        "plain": _shares(problem, plain, logits, nothing),
        "own": _shares(problem, strategy, logits, weights),
    }


def _shares(
    problem: Problem, strategy: Strategy, logits: Array, weights: Sequence[Any]
) -> list[float]:
    """Returns each class's share of the loss of all models."""
    labels, loss = problem.test.labels, bound("numpy", strategy)
    state = tuple(part[0] for part in initial_state(strategy, 1))
    total = np.zeros(max(problem.classes, 2) if problem.task == "multiclass" else 2)
    # Around a peak of a heat map labels are soft, and no positives.
    index = np.floor(labels).astype(np.int64).ravel()
    for own, weight in zip(logits, weights, strict=True):
        given = None if weight is None else np.asarray(weight, np.float64)
        values = loss(own, labels, given, state)[0]
        total += np.bincount(index, values.ravel(), minlength=len(total))
    return (total / total.sum()).tolist()
