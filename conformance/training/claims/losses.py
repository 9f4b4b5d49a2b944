"""Losses on examples, as printed."""

import numpy as np
from numpy.typing import NDArray

from refimpl import binary_cross_entropy_with_logits, sigmoid_focal_loss

Array = NDArray[np.float64]


def label_weighted_bce(logits: Array, labels: Array, *, pos_weight: float) -> Array:
    """Claim A1: the whole loss times w[y], with w[1] = pos_weight and w[0] = 1.

    The library's ``pos_weight`` multiplies the term of y alone. The two agree on hard
    labels; a soft label has no w[y], and is rounded to one here.

    Args:
        logits: Any shape.
        labels: In [0, 1], shaped like the logits.
        pos_weight: Weight of the positive class.

    Returns:
        Loss per element.
    """
    weight = np.where(np.round(labels) == 1, pos_weight, 1.0)
    loss = binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return weight * loss


def adaptive_bce(
    logits: Array, labels: Array, *, pos_weight: float, gamma: float = 2.0
) -> tuple[Array, Array]:
    """Claim A5: p_t is read off the weighted loss l as exp(-l).

    The library's default takes the probability p of the true class; exp(-l) is p ** w
    on positives. Its ``modulator="weighted_loss"`` is this form without the rounding
    of 1 - p_t.

    Args:
        logits: Any shape.
        labels: 0 or 1, shaped like the logits.
        pos_weight: Factor of the positive term.
        gamma: Focusing exponent.

    Returns:
        Loss per element, and p_t.
    """
    loss = binary_cross_entropy_with_logits(
        logits, labels, pos_weight=pos_weight, reduction="none"
    )
    pt = np.exp(-loss)
    return (1 - pt) ** gamma * loss, pt


def manually_smoothed(labels: Array, alpha: float) -> Array:
    """Claim C4: "manual" smoothing, 1 - a on the label and a / (K - 1) elsewhere.

    The formula printed beside it, y (1 - a) + a / K, leaves 1 - a + a / K on the label:
    another loss. The library has both, ``smoothing="off_target"`` and ``"uniform"``.

    Args:
        labels: One-hot along the last axis, K >= 2 classes.
        alpha: Smoothing a in [0, 1).

    Returns:
        Smoothed labels.
    """
    return labels * (1 - alpha) + (1 - labels) * alpha / (labels.shape[-1] - 1)


def bce_of_shifted_probabilities(
    probs: NDArray, labels: NDArray, *, eps: float = 1e-7
) -> NDArray:
    """Claim D3: a small number inside both logarithms, log(p + 1e-7).

    The value cannot exceed -log(1e-7) = 16.118, and its gradient in the logits dies
    with p (1 - p). In half precision ``1 - p + 1e-7`` is ``1 - p``: no fix at all. The
    library's losses take logits and need no such number.

    Args:
        probs: In [0, 1], any shape, in the dtype to compute in.
        labels: 0 or 1, shaped like the probabilities.
        eps: What is added.

    Returns:
        Loss per element, in the dtype of the probabilities.
    """
    small = np.asarray(eps, dtype=probs.dtype)
    y = labels.astype(probs.dtype)
    # A logarithm of 0 in half precision is the finding, not an accident.
    with np.errstate(divide="ignore"):
        return -np.where(y == 1, np.log(probs + small), np.log(1 - probs + small))


def where_weighted_bce(
    logits: Array, labels: Array, *, pos_weight: float, reduced: bool = True
) -> Array:
    """Claim D6: ``where(y == 1, w, 1) * criterion(x, y)`` instead of ``pos_weight``.

    The usual criterion is a mean already, so that every element is weighted alike: the
    mean of the result is mean(weights) * mean(losses), whichever examples are hard.
    Without the reduction it agrees with the library's ``pos_weight`` on hard labels;
    a soft label is never 1 and gets no weight.

    Args:
        logits: Any shape.
        labels: In [0, 1], shaped like the logits.
        pos_weight: Weight where the label is 1.
        reduced: Whether the criterion is a mean.

    Returns:
        Array shaped like the logits.
    """
    criterion = binary_cross_entropy_with_logits(
        logits, labels, reduction="mean" if reduced else "none"
    )
    return np.where(labels == 1, pos_weight, 1.0) * criterion


def focal_with_one_alpha(
    logits: Array, labels: Array, *, alpha: float = 0.25, gamma: float = 2.0
) -> Array:
    """Claims D7 and E3: one alpha on both classes, said to balance them.

    It is a constant factor of the whole loss. The library's ``alpha`` is the weight of
    positives, and negatives get 1 - alpha; its softmax form has ``class_weights``.

    Args:
        logits: Any shape.
        labels: 0 or 1, shaped like the logits.
        alpha: The factor.
        gamma: Focusing exponent.

    Returns:
        Loss per element.
    """
    return alpha * sigmoid_focal_loss(logits, labels, gamma=gamma, reduction="none")


def focal_of_probabilities(
    probs: NDArray, labels: NDArray, *, alpha: float = 0.25, gamma: float = 2.0
) -> NDArray:
    """Claim E8: multi-label focal loss of probabilities after a sigmoid.

    Once p rounds to 0 or 1, a logarithm is infinite: the loss is infinite on a wrong
    side and, as 0 * inf, NaN on the right one. The library's focal loss takes logits.

    Args:
        probs: In [0, 1], any shape, in the dtype to compute in.
        labels: 0 or 1, shaped like the probabilities.
        alpha: Weight of positives; negatives get ``1 - alpha``.
        gamma: Focusing exponent.

    Returns:
        Loss per element, in the dtype of the probabilities.
    """
    y = labels.astype(probs.dtype)
    with np.errstate(divide="ignore", invalid="ignore"):  # as for D3: the finding
        positive = y * (1 - probs) ** gamma * np.log(probs)
        negative = (1 - y) * probs**gamma * np.log(1 - probs)
    return -(alpha * positive + (1 - alpha) * negative)
