"""Link of the focal loss on independent logits."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl._inputs import hyperparameter
from refimpl.links._inputs import from_log_odds, log_weight, real, to_log_odds
from refimpl.links._roots import find_root, keep_infinite


def sigmoid_focal_link(
    posterior: ArrayLike,
    *,
    alpha: Any = None,
    gamma: Any = 2.0,
    pos_weight: Any = 1.0,
    class_axis: int = -1,
    log_odds: bool = False,
) -> NDArray:
    r"""Returns the logits that minimise the expected sigmoid focal loss.

    The root of

    .. math::
        (\gamma + 1)\,x + F(-x) - F(x) = \log\frac{\alpha\,w\,\eta}
        {(1 - \alpha)(1 - \eta)},\qquad
        F(x) = \log\,(1 + \gamma\,e^x\,\zeta(-x))

    which is where the slopes of the two terms balance; its left side has a slope of 1
    or more, so there is one root, and it is the minimum.

    Args:
        posterior: Probability :math:`\eta` in [0, 1] of label 1, any shape.
        alpha: Weight of the positive class in (0, 1); negatives get ``1 - alpha``.
            ``None`` means no weighting.
        gamma: Focusing exponent, >= 0.
        pos_weight: Factor w > 0 of the positive term, a scalar or ``(C,)`` along
            ``class_axis``.
        class_axis: Axis that a ``(C,)`` ``pos_weight`` runs along.
        log_odds: As in :func:`refimpl.links.binary_cross_entropy_link`.

    Returns:
        Array shaped like ``posterior``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A value out of range; weights must be > 0.

    Convention:
        Posterior 0 and 1 give the limits, NaN gives NaN. The minimiser lies on the
        right side of 0 (without weights), but its sigmoid is not the posterior:
        the larger gamma, the closer to 1/2. Far out it is
        1 / (gamma + 1) of the log-odds.

    Example:
        >>> x = sigmoid_focal_link(np.array([0.1, 0.5, 0.9]), gamma=2.0)
        >>> [f"{value:.6f}" for value in x]
        ['-0.819889', '0.000000', '0.819889']

    References:
        Charoenphakdee et al., 2021 (calibrated for decisions, not strictly proper; a
        closed-form inverse). https://arxiv.org/abs/2011.09172
    """
    value = to_log_odds(posterior, log_odds=log_odds)
    g = hyperparameter("gamma", gamma)
    w = log_weight("pos_weight", pos_weight, value.shape, class_axis)
    target = value + w + _alpha_log_odds(alpha)
    return keep_infinite(lambda finite: _root(finite, g), target)


def sigmoid_focal_posterior(
    logits: ArrayLike,
    *,
    alpha: Any = None,
    gamma: Any = 2.0,
    pos_weight: Any = 1.0,
    class_axis: int = -1,
    log_odds: bool = False,
) -> NDArray:
    """Returns the posterior whose minimiser is these logits, in closed form.

    Args:
        logits: What the trained model says, any shape.
        alpha: As in :func:`sigmoid_focal_link`, like all others.
        gamma: See there.
        pos_weight: See there.
        class_axis: See there.
        log_odds: See there.

    Returns:
        Array shaped like ``logits``.

    Raises:
        TypeError: As the link does.
        ValueError: As the link does.

    Example:
        >>> f"{sigmoid_focal_posterior(0.0, alpha=0.25, gamma=2.0):.12g}"
        '0.75'
    """
    x = real("logits", logits)
    g = hyperparameter("gamma", gamma)
    w = log_weight("pos_weight", pos_weight, x.shape, class_axis)
    value = keep_infinite(lambda finite: _balance(finite, g), x)
    return from_log_odds(value - w - _alpha_log_odds(alpha), log_odds=log_odds)


def focusing(x: NDArray, gamma: NDArray) -> NDArray:
    """Returns F(x), which falls from log(1 + gamma) far right to 0 far left.

    The slope of a positive's focal loss is -q^(gamma+1) exp(F(x)) with q = 1 - p.
    """
    # exp(x) zeta(-x), which is log(1 + z) / z on the right and tends to 1 there: z must
    # not vanish.
    z = np.maximum(np.exp(-np.abs(x)), 1e-30)
    log = np.log1p(z)
    return np.log1p(gamma * np.where(x > 0, log / z, z * (log - x)))


def _balance(x: NDArray, gamma: NDArray) -> NDArray:
    return (gamma + 1) * x + focusing(-x, gamma) - focusing(x, gamma)


def _root(target: NDArray, gamma: NDArray) -> NDArray:
    slack = np.log1p(gamma)  # F lies between 0 and this
    low, high = ((target + d) / (gamma + 1) for d in (-slack, slack))
    return find_root(lambda x: _balance(x, gamma) - target, low, high)


def _alpha_log_odds(alpha: Any) -> NDArray:
    """Returns what alpha adds to the log-odds."""
    if alpha is None:
        return np.zeros(())
    a = hyperparameter("alpha", alpha, high=1, closed=False, positive=True)
    return np.log(a) - np.log1p(-a)
