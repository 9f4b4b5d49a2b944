"""Softmax along the last axis with relative accuracy for every class.

Everything is counted from the largest logit, whose own term is exactly 1, so that the
rest of the sum keeps its digits where it is far below 1.
"""

import numpy as np
from numpy.typing import NDArray


def _top(a: NDArray) -> NDArray:
    """Marks the first of the largest elements."""
    return np.arange(a.shape[-1]) == np.argmax(a, axis=-1)[..., None]


def others(a: NDArray) -> NDArray:
    """Returns, for each element, the sum of the others; a >= 0, no cancellation."""
    top = _top(a)
    rest = np.sum(np.where(top, 0, a), axis=-1, keepdims=True)
    # Only the largest element can be more than half of the sum.
    total = rest + np.sum(np.where(top, a, 0), axis=-1, keepdims=True)
    return np.where(top, rest, total - a)


def _from_top(x: NDArray) -> tuple[NDArray, NDArray]:
    """Returns the distance of each logit from the largest, and the rest of the sum."""
    top = _top(x)
    largest = np.sum(np.where(top, x, 0), axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):  # inf - inf: NaN where there is no limit
        gap = np.where(top & ~np.isnan(x), 0, largest - x)
    rest = np.sum(np.where(top, 0, np.exp(-gap)), axis=-1, keepdims=True)
    return gap, rest


def negative_log_softmax(x: NDArray) -> NDArray:
    """Returns -log of the probability of each class; both terms are >= 0."""
    gap, rest = _from_top(x)
    return gap + np.log1p(rest)


def softmax(x: NDArray) -> tuple[NDArray, NDArray]:
    """Returns the probability of each class, and of all others together."""
    gap, rest = _from_top(x)
    share = np.exp(-gap)
    return share / (1 + rest), others(share) / (1 + rest)


def margin(x: NDArray, label: NDArray) -> tuple[NDArray, NDArray]:
    """Returns the log-odds of the labelled class, and their gradient by the logits.

    Args:
        x: Logits.
        label: One-hot, or 0 everywhere, which counts as class 0.

    Returns:
        The margin, for which p_y = sigmoid(margin), and its slope: 1 at the label and
        minus the softmax of the others elsewhere.
    """
    own = _top(label)
    rivals = np.where(own, -np.inf, x)
    top = _top(rivals)
    largest = np.sum(np.where(top, rivals, 0), axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):  # inf - inf: NaN where there is no limit
        share = np.exp(np.where(top, 0, rivals - largest))
        # A rival at -inf has no share, also where there is no other.
        share = np.where(np.isneginf(rivals), 0, share)
        rest = np.sum(np.where(top, 0, share), axis=-1, keepdims=True)
        # In this order: what logits have in common must not round their difference.
        lead = np.sum(np.where(own, x, 0), axis=-1, keepdims=True) - largest
    log_odds = (lead - np.log1p(rest)).squeeze(-1)
    return log_odds, np.where(own, 1, -share / (1 + rest))
