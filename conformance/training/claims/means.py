"""Totals and means, as printed."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def loss_share_of_negatives(
    *,
    negatives: int = 1000,
    positives: int = 100,
    negative_prediction: float = 0.95,
    positive_prediction: float = 0.6,
    summed: bool = False,
) -> float:
    """Claim E1: the negatives' share of the loss, "more than 90 %".

    As printed, the mean loss of the negatives is compared with the mean loss of the
    positives, where the counts cancel: 85.4 %. What a training step sees is the sum
    over the examples: 98.3 %.

    Args:
        negatives: Number of negatives.
        positives: Number of positives.
        negative_prediction: Probability predicted for each negative.
        positive_prediction: Probability predicted for each positive.
        summed: Whether to sum over the examples.

    Returns:
        The share, in [0, 1].
    """
    off = -np.log1p(-negative_prediction) * (negatives if summed else 1)
    on = -np.log(positive_prediction) * (positives if summed else 1)
    return float(off / (off + on))


def weighted_mean_over_count(losses: Array, weights: Array) -> float:
    """Claim C9: the weighted mean of a cross entropy divides by N.

    The library, like PyTorch for index labels, divides by the sum of the weights of
    the labels; ``normalizer="count"`` is this form.

    Args:
        losses: Unweighted losses, shaped ``(N,)``.
        weights: Weight of each example's class, shaped ``(N,)``.

    Returns:
        The mean.
    """
    return float(np.sum(weights * losses) / losses.size)


def mean_of_batch_means(
    losses: Sequence[Array], weights: Sequence[Array] | None = None
) -> float:
    """Claim D9: under data parallelism the workers' means are averaged.

    That is the mean over all examples only where every worker has the same number of
    them, and of weighted means only where they have the same sum of weights. The
    library's ``reduction="parts"`` returns totals and normalizers, to be added over
    the workers and divided once.

    Args:
        losses: Losses of each worker.
        weights: Weight of each example, which also normalises; None is 1.

    Returns:
        The mean of the workers' means.
    """
    weights = [np.ones_like(loss) for loss in losses] if weights is None else weights
    pairs = zip(losses, weights, strict=True)
    return float(np.mean([np.sum(w * loss) / np.sum(w) for loss, w in pairs]))
