"""Reliability curve and expected calibration error."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from conformance.metrics.inputs import Predictions, read_scores
from refimpl._validate import check_choice, check_integer

Array = NDArray[np.float64]
STRATEGIES = ("uniform", "quantile")


@dataclass(frozen=True)
class Bin:
    """Examples whose probability lies in ``[low, high)``; the last bin is closed.

    Attributes:
        low: Lower edge, which belongs to the bin.
        high: Upper edge, which belongs to the next bin, or to this one if it is last.
        count: How many examples.
        probability: Their mean probability; None in an empty bin.
        rate: Their share of positives (of right answers in multi-class data).
    """

    low: float
    high: float
    count: int
    probability: float | None
    rate: float | None


@dataclass(frozen=True)
class Reliability:
    """A reliability curve.

    Attributes:
        strategy: How the bins were chosen.
        bins: From low to high probabilities.
        ece: Expected calibration error.
    """

    strategy: str
    bins: tuple[Bin, ...]
    ece: float


def reliability(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    bins: int = 10,
    strategy: str = "uniform",
) -> Reliability:
    r"""Computes the reliability curve and the expected calibration error.

    .. math::
        \mathrm{ECE} = \sum_b \frac{n_b}{N} \left| \bar y_b - \bar p_b \right|

    Args:
        labels: As in :func:`read_scores`.
        probabilities: As in :func:`read_scores`.
        bins: How many bins, >= 1.
        strategy: ``"uniform"`` for bins of equal width on [0, 1], ``"quantile"`` for
            bins of about equal numbers of examples.

    Returns:
        Every bin, the empty ones too, and the error, which lies in [0, 1].

    Raises:
        ValueError: Bad scores, ``bins`` < 1 or an unknown ``strategy``.
        TypeError: ``bins`` is no integer.

    Convention:
        Binary data compares the probability of the positive class with the rate of
        positives; multi-label data does so for all its elements together; multi-class
        data compares the largest probability with the rate of right answers.
        Bins are ``[a, b)`` and the last is ``[a, b]``, so 0.0 and 1.0 are counted;
        scikit-learn's ``calibration_curve`` has ``(a, b]`` with the first closed, which
        differs only for probabilities that are an edge. Examples with equal
        probabilities share a bin, so ``"quantile"`` makes fewer bins where they tie.

    Example:
        >>> found = reliability([0, 1, 1, 1], [0.25, 0.75, 0.5, 1.0], bins=2)
        >>> found.bins[1]
        Bin(low=0.5, high=1.0, count=3, probability=0.75, rate=1.0)
        >>> found.ece
        0.25

    References:
        Guo et al., 2017, eq. 3. https://arxiv.org/abs/1706.04599
    """
    outcomes, confidences = claimed(read_scores(labels, probabilities))
    return curve(outcomes, confidences, bins=bins, strategy=strategy)


def claimed(scores: Predictions) -> tuple[Array, Array]:
    """Returns what came true, 0 or 1, and the probability that it was given."""
    if scores.kind == "multiclass":
        winners = scores.probabilities.argmax(axis=1)
        right = (winners == scores.labels).astype(np.float64)
        return right, scores.probabilities.max(axis=1)
    return scores.labels.ravel().astype(np.float64), scores.probabilities.ravel()


def curve(
    outcomes: NDArray, confidences: Array, *, bins: int, strategy: str
) -> Reliability:
    """Computes the curve of outcomes, 0 or 1, that were given confidences."""
    check_integer("bins", bins, low=1)
    check_choice("strategy", strategy, STRATEGIES)
    edges = _edges(confidences, bins, strategy)
    bins = len(edges) - 1
    at = np.searchsorted(edges, confidences, side="right") - 1
    at = np.minimum(at, bins - 1)
    counts = np.bincount(at, minlength=bins)
    filled = np.maximum(counts, 1)
    probability = np.bincount(at, confidences, minlength=bins) / filled
    rate = np.bincount(at, outcomes, minlength=bins) / filled
    ece = np.sum(counts * np.abs(rate - probability)) / len(confidences)
    return Reliability(
        strategy,
        tuple(
            Bin(
                low=float(edges[b]),
                high=float(edges[b + 1]),
                count=int(counts[b]),
                probability=float(probability[b]) if counts[b] else None,
                rate=float(rate[b]) if counts[b] else None,
            )
            for b in range(bins)
        ),
        float(ece),
    )


def _edges(confidences: Array, bins: int, strategy: str) -> Array:
    if strategy == "uniform":
        # Not linspace, whose fourth edge of ten is above 0.3.
        return np.arange(bins + 1) / bins
    edges = np.unique(np.quantile(confidences, np.arange(bins + 1) / bins))
    return edges if len(edges) > 1 else np.repeat(edges, 2)
