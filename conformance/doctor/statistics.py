r"""Tests whose chance of a false alarm is known, whatever the data.

Each takes scores at their word: the labels are drawn independently with the
probabilities that the file gives. What it then calls improbable has at most the chance
``CHANCE``, by Chernoff's bound or by Markov's inequality for a likelihood ratio, so
that small files and rare classes need no rule of their own.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy.optimize import root_scalar
from scipy.special import entr, expit, xlogy

from conformance.scores import Array, Column, Mask

# Of a false alarm, for each test on each class.
CHANCE = 1e-6
# The same in standard errors of a normal distribution, and a little more.
SIGMAS = 5.0
# Beyond these, a logit is a certainty.
END = 36.0
LOG2 = math.log(2.0)
TINY = 1e-300


class Shift(NamedTuple):
    """What must be added to all logits for their mean to be the rate of positives.

    Attributes:
        logit: What must be added; infinite where all labels are one.
        error: Its standard error.
        log_chance: Bound on the log of the chance of so large a difference.
    """

    logit: float
    error: float
    log_chance: float

    @property
    def significant(self) -> bool:
        """Whether chance does not explain it."""
        return self.log_chance <= math.log(CHANCE)


def mean_shift(logits: Array, truth: Mask) -> Shift:
    r"""Compares the mean probability with the rate of positives.

    With s positives, theta solves ``sum sigmoid(x + theta) = s``, and the chance of a
    sum as far out as s, on either side, is at most

    .. math:: 2 e^{-\theta s} \prod_i (1 - p_i + p_i e^\theta).

    Args:
        logits: Shaped (N,).
        truth: Likewise.

    Returns:
        The shift.

    References:
        Chernoff, 1952. https://doi.org/10.1214/aoms/1177729330
    """
    x, s = np.clip(logits, -END, END), int(truth.sum())
    if s in (0, truth.size):
        away = -x if s else x
        bound = -np.logaddexp(0.0, away).sum()
        return Shift(math.inf if s else -math.inf, math.inf, LOG2 + float(bound))

    def excess(theta: float) -> float:
        return float(expit(x + theta).sum() - s)

    theta = float(root_scalar(excess, bracket=(-3 * END, 3 * END), xtol=1e-9).root)
    spread = np.logaddexp(0.0, x + theta) - np.logaddexp(0.0, x)
    q = expit(x + theta)
    information = float((q * (1 - q)).sum())
    return Shift(
        theta,
        1 / math.sqrt(information) if information else math.inf,
        LOG2 + float(spread.sum() - theta * s),
    )


def log_likelihood(probabilities: Array, truth: Mask) -> float:
    """Log of the chance of the labels under probabilities."""
    end = math.exp(-END)
    p = np.clip(probabilities, end, 1 - end)
    return float(np.where(truth, np.log(p), np.log1p(-p)).sum())


def surprise(probabilities: Array, truth: Mask) -> float:
    """The loss of probabilities over that which they expect: 1 where they are true."""
    expected = (entr(probabilities) + entr(1 - probabilities)).sum()
    return -log_likelihood(probabilities, truth) / max(float(expected), TINY)


def better(probabilities: Array, given: Array, truth: Mask) -> float:
    """Log of how many times more probable the labels are than under the given.

    By Markov's inequality it exceeds ``-log(CHANCE)`` with a chance below ``CHANCE``
    where the given probabilities are true.
    """
    return log_likelihood(probabilities, truth) - log_likelihood(given, truth)


def refuted(column: Column, instead: Array | None = None) -> bool:
    """Whether a class's labels cannot come from its probabilities.

    Args:
        column: The class.
        instead: Probabilities that would explain the labels better.

    Returns:
        Whether the mean says so, or the others do.
    """
    if mean_shift(column.logits, column.truth).significant:
        return True
    if instead is None:
        return False
    return better(instead, column.probabilities, column.truth) >= -math.log(CHANCE)


def auroc_sigmas(column: Column) -> float:
    """Standard errors that the AUROC is above one half, of scores without any skill."""
    positives, negatives = column.positives, column.negatives
    if not positives * negatives:
        return 0.0
    spread = (positives + negatives + 1) / (12.0 * positives * negatives)
    return (column.auroc - 0.5) / math.sqrt(spread)


def skilled(column: Column) -> bool:
    """Whether scores order the class well: an AUROC of 0.7, and no chance of 0.5."""
    return column.auroc >= 0.7 and auroc_sigmas(column) >= SIGMAS


def f1(truth: Mask, predicted: Mask) -> float:
    """F1; 0 where nothing is there to be found."""
    total = int(truth.sum() + predicted.sum())
    return 2.0 * float((truth & predicted).sum()) / total if total else 0.0


def f1_gain(truth: Mask, predicted: Mask, instead: Mask) -> tuple[float, float]:
    """By how much other predictions raise F1, and the standard error of that.

    The delta method over examples: F1 is ``2 TP / (P + predicted)``, so an example
    moves it by ``(2 tp - F1 (y + predicted)) / (P + predicted)``.
    """
    influence = np.zeros(truth.size)
    gain = 0.0
    for own, sign in ((instead, 1.0), (predicted, -1.0)):
        total = int(truth.sum() + own.sum())
        if total:
            value = f1(truth, own)
            each = 2.0 * (truth & own) - value * (truth.astype(float) + own)
            influence += sign * each / total
            gain += sign * value
    return gain, float(np.sqrt((influence**2).sum()))


def entropy(rate: float) -> float:
    """Binary cross-entropy of a constant guess of the rate."""
    return float(-xlogy(rate, rate) - xlogy(1 - rate, 1 - rate))
