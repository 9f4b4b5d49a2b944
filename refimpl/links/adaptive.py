"""Link of the adaptive binary cross-entropy."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl._inputs import hyperparameter
from refimpl._stable import softplus, softplus_ratio
from refimpl._validate import MODULATORS, check_choice
from refimpl.links._inputs import from_log_odds, log_weight, real, to_log_odds
from refimpl.links._roots import find_root, keep_infinite
from refimpl.links.focal import focusing, sigmoid_focal_link, sigmoid_focal_posterior

# From 14.3 on, some weights give two minima; the balance still rises by 0.15 here.
_LARGEST_GAMMA = 10.0


def adaptive_bce_link(
    posterior: ArrayLike,
    *,
    pos_weight: Any,
    gamma: Any = 2.0,
    modulator: str = "probability",
    log_odds: bool = False,
) -> NDArray:
    r"""Returns the logits that minimise the expected adaptive cross-entropy.

    For ``"probability"`` the link of the focal loss; for ``"weighted_loss"``, with
    :math:`b = w\,\zeta(-x)`, the root of

    .. math::
        \log\frac{\sigma(x)^{\gamma+1}\,e^{F(-x)}}{w\,\sigma(-x)\,(1 - e^{-b})^\gamma\,
        [\,1 + \gamma\,b / (e^b - 1)\,]} = \log\frac{\eta}{1 - \eta}

    Args:
        posterior: Probability :math:`\eta` in [0, 1] of label 1, any shape.
        pos_weight: Factor w > 0 of the positive term, a scalar or ``(C,)`` along the
            last axis.
        gamma: Focusing exponent, >= 0; at most 10 for ``"weighted_loss"``, which may
            have two minima from 14.3 on.
        modulator: As in the loss, ``"probability"`` or ``"weighted_loss"``.
        log_odds: As in :func:`refimpl.links.binary_cross_entropy_link`.

    Returns:
        Array shaped like ``posterior``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A value out of range; weights must be > 0.

    Convention:
        For ``adaptive_bce_with_logits``. Posterior 0 and 1 give the limits, NaN gives
        NaN.

    Example:
        >>> options = {"pos_weight": 5.0, "modulator": "weighted_loss"}
        >>> x = adaptive_bce_link(np.array([0.1, 0.5]), **options)
        >>> [f"{value:.6f}" for value in x]
        ['0.040665', '1.397665']

    References:
        Charoenphakdee et al., 2021. https://arxiv.org/abs/2011.09172
    """
    check_choice("modulator", modulator, MODULATORS)
    if modulator == "probability":
        return sigmoid_focal_link(
            posterior, gamma=gamma, pos_weight=pos_weight, log_odds=log_odds
        )
    value = to_log_odds(posterior, log_odds=log_odds)
    g = hyperparameter("gamma", gamma, high=_LARGEST_GAMMA)
    w = np.broadcast_to(log_weight("pos_weight", pos_weight, value.shape), value.shape)
    return keep_infinite(lambda target: _root(target, w, g), value)


def adaptive_bce_posterior(
    logits: ArrayLike,
    *,
    pos_weight: Any,
    gamma: Any = 2.0,
    modulator: str = "probability",
    log_odds: bool = False,
) -> NDArray:
    """Returns the posterior whose minimiser is these logits, in closed form.

    Args:
        logits: What the trained model says, any shape.
        pos_weight: As in :func:`adaptive_bce_link`, like all others.
        gamma: See there.
        modulator: See there.
        log_odds: See there.

    Returns:
        Array shaped like ``logits``.

    Raises:
        TypeError: As the link does.
        ValueError: As the link does.

    Example:
        >>> options = {"pos_weight": 5.0, "modulator": "weighted_loss"}
        >>> f"{adaptive_bce_posterior(0.0, **options):.6f}"
        '0.094124'
    """
    check_choice("modulator", modulator, MODULATORS)
    if modulator == "probability":
        return sigmoid_focal_posterior(
            logits, gamma=gamma, pos_weight=pos_weight, log_odds=log_odds
        )
    x = real("logits", logits)
    g = hyperparameter("gamma", gamma, high=_LARGEST_GAMMA)
    w = log_weight("pos_weight", pos_weight, x.shape)
    value = keep_infinite(lambda finite: _balance(finite, w, g), x)
    return from_log_odds(value, log_odds=log_odds)


def _balance(x: NDArray, w: NDArray, gamma: NDArray) -> NDArray:
    """Returns the log-odds at which x is stationary; w is the weight's logarithm."""
    b = np.exp(w) * softplus(-x)
    # (1 - exp(-b)) / b, whose limit at b = 0 is 1.
    shrunk = np.where(b == 0, 1, -np.expm1(-b) / np.where(b == 0, 1, b))
    # log((1 - p^w) / (1 - p)), where p is the probability of the positive class.
    harder = w + np.log(softplus_ratio(-x)) + np.log(shrunk)
    elasticity = np.log1p(gamma * np.exp(-b) / shrunk)
    return (gamma + 1) * x - w - gamma * harder + focusing(-x, gamma) - elasticity


def _root(target: NDArray, w: NDArray, gamma: NDArray) -> NDArray:
    # (1 - p^w) / (1 - p) lies between 1 and the weight; the rest as for focal loss.
    slack = np.log1p(gamma)
    low = target + w + gamma * np.minimum(w, 0) - slack
    high = target + w + gamma * np.maximum(w, 0) + slack
    return find_root(
        lambda x: _balance(x, w, gamma) - target, low / (gamma + 1), high / (gamma + 1)
    )
