"""Thresholds on the posterior that are optimal by theory."""

import numpy as np
from numpy.typing import ArrayLike

from refimpl import _validate
from refimpl._inputs import hyperparameter
from refimpl.links._inputs import real


def cost_threshold(
    *,
    cost_false_positive: float,
    cost_false_negative: float,
    cost_true_positive: float = 0.0,
    cost_true_negative: float = 0.0,
) -> float:
    r"""Returns the posterior from which predicting label 1 costs less.

    .. math::
        \eta \ge \frac{c_{FP} - c_{TN}}{c_{FP} - c_{TN} + c_{FN} - c_{TP}}

    Args:
        cost_false_positive: Of predicting 1 where the label is 0.
        cost_false_negative: Of predicting 0 where the label is 1.
        cost_true_positive: Of predicting 1 rightly, below ``cost_false_negative``.
        cost_true_negative: Of predicting 0 rightly, below ``cost_false_positive``.

    Returns:
        Threshold in (0, 1) on the posterior. That on the logits of a model is its
        link: ``sigmoid_focal_link(cost_threshold(...), alpha=0.25)``.

    Raises:
        TypeError: A cost is no number.
        ValueError: A cost is not finite, or being right costs as much as being wrong.

    Example:
        >>> cost_threshold(cost_false_positive=1.0, cost_false_negative=9.0)
        0.1

    References:
        Elkan, 2001, section 1.3. The foundations of cost-sensitive learning. IJCAI.
    """
    costs = {
        "cost_false_positive": cost_false_positive,
        "cost_false_negative": cost_false_negative,
        "cost_true_positive": cost_true_positive,
        "cost_true_negative": cost_true_negative,
    }
    for name, cost in costs.items():
        _validate.check_scalar(name, cost)
    extra_positive = cost_false_positive - cost_true_negative
    extra_negative = cost_false_negative - cost_true_positive
    total = extra_positive + extra_negative
    if not (extra_positive > 0 and extra_negative > 0 and total < np.inf):
        raise ValueError(
            "costs must be finite, and being wrong must cost more than being right, "
            f"got {extra_positive} more for label 0 and {extra_negative} for label 1."
        )
    return float(extra_positive / total)


def fbeta_threshold(posteriors: ArrayLike, *, beta: float = 1.0) -> float:
    r"""Returns the posterior from which predicting label 1 raises the expected F-score.

    .. math::
        t = \frac{F^*}{1 + \beta^2},\qquad
        F^* = \max_k \frac{(1 + \beta^2) \sum_{i \le k} \eta_{(i)}}
        {k + \beta^2 \sum_i \eta_i}

    where posteriors are sorted, largest first.

    Args:
        posteriors: Calibrated probabilities of label 1 of a sample, shape ``(N,)``,
            with N >= 1 and one of them > 0. No labels are needed.
        beta: Weight of recall, in (0, 1e100]; 1 is F1, whose threshold is half the
            best F1.

    Returns:
        Threshold in (0, 1]; times 1 + beta^2 it is the F-score of the sums, which the
        expected F-score tends to.

    Raises:
        TypeError: ``beta`` is no number.
        ValueError: A value out of range, or no posterior above 0.

    Convention:
        Predict 1 where ``posterior >= threshold``. For balanced accuracy and Youden's
        J the threshold is the prior, ``np.mean(posteriors)``.

    Example:
        >>> f"{fbeta_threshold([0.9, 0.4, 0.1, 0.1]):.12g}"
        '0.371428571429'

    References:
        Lipton, Elkan and Narayanaswamy, 2014. https://arxiv.org/abs/1402.1892
    """
    eta = real("posteriors", posteriors)
    if eta.ndim != 1 or np.isnan(eta).any() or not (eta > 0).any():
        raise ValueError(
            "posteriors must have shape (N,), no NaN and a value above 0, "
            f"got shape {eta.shape}."
        )
    _validate.check_range("posteriors", eta, high=1)
    weight = float(hyperparameter("beta", beta, high=1e100, positive=True)) ** 2
    hits = np.cumsum(np.sort(eta)[::-1])
    predicted = np.arange(1, eta.size + 1)
    return float(np.max(hits / (predicted + weight * hits[-1])))
