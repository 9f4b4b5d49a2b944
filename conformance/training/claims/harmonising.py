"""Gradient harmonising (GHM-C), as printed."""

import numpy as np
from numpy.typing import NDArray

from refimpl import binary_cross_entropy_with_logits

Array = NDArray[np.float64]


def ghmc(
    logits: Array,
    labels: Array,
    counts: Array | None = None,
    *,
    bins: int = 10,
    momentum: float = 0.75,
) -> tuple[Array, Array]:
    """Claim E5: GHM-C with an open last bin and a moving average that starts at 0.

    It differs from the library's ``ghmc_loss`` in three ways. Bins are half open, the
    last one too: g = 1, the hardest example there is, falls out and weighs nothing.
    Weights are N / density without the division by the number of non-empty bins, so
    that their mean is that number and not 1. And the average is not debiased: at
    momentum 0.75 the first batch weighs 4 times too much.

    Args:
        logits: Any shape.
        labels: 0 or 1, shaped like the logits.
        counts: Moving average of the counts per bin, shaped ``(bins,)``; None at first.
        bins: Number of bins.
        momentum: Of the moving average; 0 is none.

    Returns:
        Weight * loss per element, and the counts for the next call.
    """
    counts = np.zeros(bins) if counts is None else counts.copy()
    gradient = np.abs((1 + np.tanh(logits / 2)) / 2 - labels)
    edges = np.arange(bins + 1) / bins
    weights = np.zeros_like(gradient)
    for i in range(bins):
        inside = (gradient >= edges[i]) & (gradient < edges[i + 1])
        if inside.any():
            counts[i] = momentum * counts[i] + (1 - momentum) * inside.sum()
            weights[inside] = gradient.size / counts[i]
    loss = binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return weights * loss, counts
