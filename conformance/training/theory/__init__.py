"""Trained logits against the minimiser that theory knows, and calibration by it."""

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.metrics import probabilities_from_logits, reliability
from conformance.training.data import Problem
from conformance.training.metrics import f1_at_half
from conformance.training.predictions import Predictions
from conformance.training.recipe import DataPlan, Strategy
from conformance.training.theory.links import Link, has_link, link_of
from conformance.training.theory.regress import columns, fit, information, log_odds
from conformance.training.theory.verdicts import follows, threshold_share

Array = NDArray[np.float64]

__all__ = ["corrected", "follows", "measure", "threshold_share"]

_CALIBRATION = ("ece_raw", "ece_corrected", "f1_corrected_half")
_FIT = ("slope", "offset", "slope_error", "offset_error")


def measure(
    problem: Problem,
    plan: DataPlan,
    strategy: Strategy,
    predictions: Predictions,
    last_weights: Sequence[Any] | None,
) -> dict[str, list[float]]:
    """Compares the test part's logits with the link of the strategy.

    Args:
        problem: Before resampling.
        plan: What was trained with.
        strategy: What was trained.
        predictions: Of a stack of models.
        last_weights: Of the last epoch, for each model None, a number or one for each
            class; None where nothing is weighed.

    Returns:
        For each model, or nothing where the strategy has no link:

        - ``ece_raw``, ``ece_corrected``: expected calibration error before and after
          the link is undone;
        - ``f1_corrected_half``: F1 where the corrected probability is at least half
          (of several classes, macro F1 of the likeliest);
        - where the posterior is known, ``slope`` and ``offset`` of the logits over the
          link, and ``slope_error``, ``offset_error``: standard errors that come with
          the training part's labels, which all models share. The offset is that of the
          rarest class, or the mean over labels.

        NaN for a model with a logit that is not finite.
    """
    if not has_link(problem, strategy):
        return {}
    told = cache(partial(_Expected, problem))
    own = _links(problem, plan, strategy, last_weights, len(predictions.test))
    rows = [
        told(link).of_model(logits)
        for link, logits in zip(own, predictions.test, strict=True)
    ]
    return {name: [row[name] for row in rows] for name in rows[0]}


def corrected(
    problem: Problem,
    plan: DataPlan,
    strategy: Strategy,
    logits: Array,
    last_weights: Sequence[Any] | None,
) -> Array | None:
    """Returns the probabilities of a stack of models with the link undone.

    Args:
        problem: As in :func:`measure`, like all others.
        plan: See there.
        strategy: See there.
        logits: Finite, shaped ``(stack, N, ...)``.
        last_weights: See there.

    Returns:
        Shaped like ``logits``; None where the strategy has no link.
    """
    if not has_link(problem, strategy):
        return None
    own = _links(problem, plan, strategy, last_weights, len(logits))
    pairs = zip(own, logits, strict=True)
    return np.stack([link.posterior(of_model) for link, of_model in pairs])


def _links(
    problem: Problem,
    plan: DataPlan,
    strategy: Strategy,
    last_weights: Sequence[Any] | None,
    models: int,
) -> list[Link]:
    """Returns the link of every model: one object for equal weights."""
    weights = last_weights or [None] * models
    first = [weights.index(weight) for weight in weights]
    found = {at: link_of(problem, plan, strategy, weights[at]) for at in set(first)}
    return [found[at] for at in first]


class _Expected:
    """What theory expects of the models that ended with one weight."""

    def __init__(self, problem: Problem, link: Link) -> None:
        self._problem, self._link = problem, link
        self._exclusive = problem.task == "multiclass"
        self._names, posterior = _CALIBRATION, problem.test.posterior
        if posterior is None:
            return
        self._names += _FIT
        eta = posterior.reshape(len(posterior), -1)
        self._information = information(eta)
        self._rarest = int(eta.mean(axis=0).argmin())
        self._predicted = columns(link.logits(posterior), exclusive=self._exclusive)
        self._errors = self._of_labels(eta)

    def of_model(self, logits: Array) -> dict[str, float]:
        """Measures one model."""
        if not np.isfinite(logits).all():
            return dict.fromkeys(self._names, float("nan"))
        labels, task = self._problem.test.labels, self._problem.task
        activation = "softmax" if self._exclusive else "sigmoid"
        raw = probabilities_from_logits(logits, activation=activation)
        corrected = self._link.posterior(logits)
        scores = corrected if self._exclusive else log_odds(corrected)
        found = {
            "ece_raw": reliability(labels, raw).ece,
            "ece_corrected": reliability(labels, corrected).ece,
            "f1_corrected_half": f1_at_half(task, labels, scores),
        }
        if "slope" in self._names:
            trained = columns(logits, exclusive=self._exclusive)
            line = fit(trained, self._predicted, self._information)
            at = self._rarest if self._exclusive else slice(None)
            found |= {"slope": line.slope, "offset": float(line.offset[at].mean())}
            found |= self._errors
        return found

    def _of_labels(self, eta: Array) -> dict[str, float]:
        """Returns what the labels of the training part leave unsure.

        A line through log-odds that maximises their likelihood has these errors; the
        link passes them on by its slope.
        """
        size = len(self._problem.train.labels)
        odds, told = log_odds(eta), self._information * size / len(eta)
        centred = odds - (told * odds).sum(axis=0) / told.sum(axis=0)
        passed = fit(self._predicted, odds, self._information).slope
        heights = passed**2 / told.sum(axis=0)
        height = (
            heights[self._rarest] if self._exclusive else heights.mean() / heights.size
        )
        return {
            "slope_error": float(1.0 / np.sqrt((told * centred**2).sum())),
            "offset_error": float(np.sqrt(height)),
        }
