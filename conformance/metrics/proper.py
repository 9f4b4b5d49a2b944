"""Brier score, log loss and predictive entropy."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr, xlog1py
from sklearn.metrics import brier_score_loss, log_loss

from conformance.metrics.inputs import Predictions
from refimpl._validate import check_range

# With two classes scikit-learn halves the sum unless told not to. Typed, because the
# type that it declares is that of its default, "auto".
_SUM: Any = False


def brier(scores: Predictions) -> float:
    """Computes the Brier score.

    Returns:
        The mean of ``(p - y)**2``, in [0, 1]; for multi-class data the mean over
        examples of its sum over classes, in [0, 2].
    """
    if scores.kind == "multiclass":
        classes = list(range(len(scores.names)))
        return float(
            brier_score_loss(
                scores.labels,
                scores.probabilities,
                labels=classes,
                scale_by_half=_SUM,
            )
        )
    return binary_brier(scores.labels.ravel(), scores.probabilities.ravel())


def binary_brier(labels: NDArray, probabilities: NDArray) -> float:
    """Computes the Brier score of 0 or 1, also where only one of them occurs."""
    return float(brier_score_loss(labels, probabilities, pos_label=1))


def mean_log_loss(scores: Predictions) -> float:
    """Computes the mean negative log-likelihood, in nats.

    Returns:
        The mean over examples, or over all elements of multi-label data. Scikit-learn
        clips probabilities at float64's epsilon, so one that rules out what happened
        counts 36.04 and not infinity.
    """
    labels, values = scores.labels, scores.probabilities
    if scores.kind == "multiclass":
        return float(log_loss(labels, values, labels=list(range(len(scores.names)))))
    return float(log_loss(labels.ravel(), values.ravel(), labels=[0, 1]))


def predictive_entropy(
    probabilities: ArrayLike, *, exclusive: bool = False
) -> NDArray[np.float64]:
    r"""Computes the entropy of predictions, in nats.

    .. math::
        H = -p \ln p - (1 - p) \ln(1 - p) \qquad\text{or}\qquad H = -\sum_k p_k \ln p_k

    Args:
        probabilities: Any shape; classes along the last axis if ``exclusive``.
        exclusive: The last axis holds the probabilities of exclusive classes. If not,
            every element is the probability of an event of its own.

    Returns:
        Shaped like ``probabilities``, without its last axis if ``exclusive``: in
        [0, ln 2] or [0, ln K], exactly 0 where a probability is 1.

    Raises:
        ValueError: A probability outside [0, 1].

    Example:
        >>> predictive_entropy([0.5, 0.0, 1.0]).tolist()
        [0.6931471805599453, 0.0, 0.0]
        >>> float(predictive_entropy([0.5, 0.5, 0.0], exclusive=True))
        0.6931471805599453
    """
    p = np.asarray(probabilities, dtype=np.float64)
    check_range("probabilities", p, high=1)
    # The function itself gives -0.0 at 1.
    terms = entr(p) + 0.0
    return terms.sum(axis=-1) if exclusive else terms - xlog1py(1.0 - p, -p)
