"""Link of the binary cross-entropy."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl._inputs import hyperparameter
from refimpl._stable import sigmoid
from refimpl.links._inputs import from_log_odds, log_weight, real, to_log_odds


def binary_cross_entropy_link(
    posterior: ArrayLike,
    *,
    pos_weight: Any = 1.0,
    label_smoothing: Any = 0.0,
    class_axis: int = -1,
    log_odds: bool = False,
) -> NDArray:
    r"""Returns the logits that minimise the expected binary cross-entropy.

    .. math::
        x^* = \log\frac{w\,t}{1 - t},\qquad t = (1 - s)\,\eta + s/2

    Args:
        posterior: Probability :math:`\eta` in [0, 1] of label 1, any shape.
        pos_weight: Factor w > 0 of the positive term, a scalar or ``(C,)`` along
            ``class_axis``.
        label_smoothing: Share s in [0, 1) of the label spread over both classes.
        class_axis: Axis that a ``(C,)`` ``pos_weight`` runs along.
        log_odds: The posterior is given (or, by the inverse, returned) as
            log(:math:`\eta` / (1 - :math:`\eta`)), which also carries a posterior
            that rounds to 1.

    Returns:
        Array shaped like ``posterior``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A value out of range; weights must be > 0.

    Convention:
        For ``binary_cross_entropy_with_logits``. Posterior 0 and 1 give the limits,
        NaN gives NaN. A weight of examples that depends on their class, w_1 and w_0,
        acts as ``pos_weight = w_1 / w_0`` where labels are not smoothed; where they
        are, pass the posterior through :func:`refimpl.links.prior_shift` instead,
        since that weight multiplies both smoothed terms.
        ``binary_cross_entropy`` on probabilities has its minimum at p = posterior.

    Example:
        The logit to threshold at, where a posterior of 1/2 decides:

        >>> f"{binary_cross_entropy_link(0.5, pos_weight=5.0):.12g}"
        '1.60943791243'

    References:
        Elkan, 2001, section 3 (weights as a change of the prior); Szegedy et al.,
        2016, section 7 (smoothing). https://arxiv.org/abs/1512.00567
    """
    value = to_log_odds(posterior, log_odds=log_odds)
    shift = log_weight("pos_weight", pos_weight, value.shape, class_axis)
    s = hyperparameter("label_smoothing", label_smoothing, high=1, closed=False)
    if s != 0:
        on, off = ((1 - s) * sigmoid(side) + s / 2 for side in (value, -value))
        value = np.log(on) - np.log(off)
    return value + shift


def binary_cross_entropy_posterior(
    logits: ArrayLike,
    *,
    pos_weight: Any = 1.0,
    label_smoothing: Any = 0.0,
    class_axis: int = -1,
    log_odds: bool = False,
) -> NDArray:
    r"""Returns the posterior whose minimiser is these logits.

    .. math::
        \eta = \frac{\sigma(x - \log w) - s/2}{1 - s}

    Args:
        logits: What the trained model says, any shape.
        pos_weight: As in :func:`binary_cross_entropy_link`, like all others.
        label_smoothing: See there.
        class_axis: See there.
        log_odds: See there.

    Returns:
        Array shaped like ``logits``.

    Raises:
        TypeError: As the link does.
        ValueError: As the link does.

    Convention:
        Logits that no posterior has, those beyond the link of 0 or 1 under smoothing,
        give 0 or 1. Smoothing costs digits: the error is relative to s / 2 where the
        posterior is smaller, as that much was added to it.

    Example:
        >>> f"{binary_cross_entropy_posterior(0.0, pos_weight=5.0):.12g}"
        '0.166666666667'
    """
    x = real("logits", logits)
    value = x - log_weight("pos_weight", pos_weight, x.shape, class_axis)
    s = hyperparameter("label_smoothing", label_smoothing, high=1, closed=False)
    if s != 0:
        on, off = (
            np.maximum(sigmoid(side) - s / 2, 0) / (1 - s) for side in (value, -value)
        )
        with np.errstate(divide="ignore"):  # log 0 = -inf is the limit meant
            value = np.log(on) - np.log(off)
    return from_log_odds(value, log_odds=log_odds)
