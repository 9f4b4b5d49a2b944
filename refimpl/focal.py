"""Focal loss on independent logits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl._inputs import binary_inputs, hyperparameter
from refimpl._miss import log_q, share_logit
from refimpl._reduce import reduce, sum_to
from refimpl._stable import product, sigmoid, softplus, softplus_ratio
from refimpl._validate import REDUCTIONS, check_choice

# Stands for an infinite logit; its products are still finite in float32.
_HUGE = 1e30


def sigmoid_focal_loss(
    logits: NDArray,
    labels: NDArray,
    *,
    alpha: Any = None,
    gamma: Any = 2.0,
    pos_weight: Any = None,
    sample_weight: Any = None,
    class_axis: int = -1,
    reduction: str = "mean",
) -> Any:
    r"""Computes the sigmoid focal loss.

    .. math::
        \ell = v\,\alpha_t\,q^\gamma\,[\,w\,y\,\zeta(-x) + (1 - y)\,\zeta(x)\,],\qquad
        q = 1 - p_t = y\,\sigma(-x) + (1 - y)\,\sigma(x)

    Args:
        logits: Unnormalised scores x, any shape.
        labels: 0 or 1, or soft in [0, 1], shaped like ``logits``.
        alpha: Weight of the positive class in [0, 1]; negatives get ``1 - alpha``.
            ``None`` means no weighting.
        gamma: Focusing exponent, >= 0. At 0 this is binary cross-entropy.
        pos_weight: Factor w >= 0 of the positive term, a scalar or ``(C,)`` along
            ``class_axis``. ``None`` means off.
        sample_weight: Factor v >= 0 of each element, shaped like ``logits``.
        class_axis: Axis that a ``(C,)`` ``pos_weight`` runs along.
        reduction: ``"none"``, ``"sum"``, ``"mean"`` or ``"parts"``.

    Returns:
        Array shaped like ``logits``, a scalar, or ``(total, normalizer)``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Unequal shapes, or a value out of range. Compiled backends turn
            the value and the gradient of the offending element into NaN instead.

    Convention:
        The sigmoid is inside. Soft labels interpolate ``p_t`` and ``alpha_t``.
        Multi-label data has its classes along ``class_axis``; a ``(C,)`` ``pos_weight``
        balances each against its own negatives.
        ``"mean"`` divides by the number of elements; the paper divides by the number
        of positives. Value, gradient and second derivative are finite for every
        finite logit and every ``gamma >= 0``, also below 1.

    Example:
        >>> logits, labels = np.array([20.0, 0.0, -20.0]), np.ones(3)
        >>> loss = sigmoid_focal_loss(logits, labels, reduction="none")
        >>> [f"{value:.12g}" for value in loss]
        ['8.75651071758e-27', '0.17328679514', '19.9999999196']

    References:
        Lin et al., 2017, eq. 5. https://arxiv.org/abs/1708.02002
    """
    check_choice("reduction", reduction, REDUCTIONS)
    x, y, w, v = binary_inputs(
        logits,
        labels,
        pos_weight=pos_weight,
        sample_weight=sample_weight,
        class_axis=class_axis,
    )
    loss = value(x, y, w, hyperparameter("gamma", gamma), *alphas(alpha))
    return reduce(product(v, loss), x.size, reduction)


def sigmoid_focal_loss_grad(
    logits: NDArray,
    labels: NDArray,
    *,
    alpha: Any = None,
    gamma: Any = 2.0,
    pos_weight: Any = None,
    sample_weight: Any = None,
    class_axis: int = -1,
    argument: str = "logits",
) -> NDArray:
    r"""Computes the gradient of the summed loss with respect to one argument.

    For a hard label with signed margin m and q = sigmoid(-m),

    .. math::
        d\ell/dm = -v\,\alpha_t\,q^\gamma\,[\,\gamma\,(1 - q)\,\zeta(-m) + q\,].

    Args:
        logits: As in :func:`sigmoid_focal_loss`, like all others.
        labels: See there.
        alpha: See there.
        gamma: See there.
        pos_weight: See there.
        sample_weight: See there.
        class_axis: See there.
        argument: Name of the argument to differentiate with respect to.

    Returns:
        Array shaped like that argument (a scalar for one that is ``None``).

    Raises:
        TypeError: As the loss does.
        ValueError: As the loss does, or an unknown ``argument``.
    """
    check_choice("argument", argument, (*PARTIALS, "sample_weight"))
    x, y, w, v = binary_inputs(
        logits,
        labels,
        pos_weight=pos_weight,
        sample_weight=sample_weight,
        class_axis=class_axis,
    )
    args = (x, y, w, hyperparameter("gamma", gamma), *alphas(alpha))
    if argument == "sample_weight":
        return sum_to(value(*args), np.shape(v))
    gradient = product(v, PARTIALS[argument](*args))
    shapes = {"pos_weight": np.shape(pos_weight), "gamma": (), "alpha": ()}
    return sum_to(gradient, shapes.get(argument, x.shape), class_axis)


def alphas(alpha: Any) -> tuple[NDArray, NDArray]:
    """Returns the weights of the positive and the negative class; None is off."""
    if alpha is None:
        return np.ones(()), np.ones(())
    alpha = hyperparameter("alpha", alpha, high=1)
    return alpha, 1 - alpha


def _alpha_t(y: NDArray, on: NDArray, off: NDArray) -> NDArray:
    return y * on + (1 - y) * off


def _cross_entropy(x: NDArray, y: NDArray, w: NDArray) -> NDArray:
    return product(w * y, softplus(-x)) + product(1 - y, softplus(x))


def _modulator(x: NDArray, y: NDArray, gamma: NDArray) -> NDArray:
    return np.exp(product(gamma, log_q(x, y)))


def _focused(x: NDArray, y: NDArray, w: NDArray, gamma: NDArray) -> NDArray:
    return product(_modulator(x, y, gamma), _cross_entropy(x, y, w))


def value(
    x: NDArray, y: NDArray, w: NDArray, gamma: NDArray, on: NDArray, off: NDArray
) -> NDArray:
    """Returns the unreduced loss; on and off are the two sides of alpha."""
    return product(_alpha_t(y, on, off), _focused(x, y, w, gamma))


def _d_logits(
    x: NDArray, y: NDArray, w: NDArray, gamma: NDArray, on: NDArray, off: NDArray
) -> NDArray:
    share = share_logit(x, y)
    d_log_q = sigmoid(-share) * sigmoid(-x) - sigmoid(share) * sigmoid(x)
    d_cross_entropy = (1 - y) * sigmoid(x) - w * y * sigmoid(-x)
    focusing = gamma * product(d_log_q, _cross_entropy(x, y, w))
    slope = _modulator(x, y, gamma) * (focusing + d_cross_entropy)
    return _alpha_t(y, on, off) * slope


def _d_labels(
    x: NDArray, y: NDArray, w: NDArray, gamma: NDArray, on: NDArray, off: NDArray
) -> NDArray:
    # Terms of opposite sign meet at an infinite logit: the limit is that of a huge one.
    huge = np.where(np.isinf(x), np.inf, 1)
    x = np.clip(x, -_HUGE, _HUGE)
    share = share_logit(x, y)
    # Cross-entropy / q stays finite where both vanish, so 1 / q is never formed.
    ratio = w * sigmoid(share) * softplus_ratio(-x)
    ratio = ratio + sigmoid(-share) * softplus_ratio(x)
    focusing = gamma * (sigmoid(-x) - sigmoid(x)) * ratio
    slope = _alpha_t(y, on, off) * (focusing + w * softplus(-x) - softplus(x))
    slope = slope + (on - off) * _cross_entropy(x, y, w)
    return product(_modulator(x, y, gamma) * slope, huge)


def _d_pos_weight(
    x: NDArray, y: NDArray, _w: NDArray, gamma: NDArray, on: NDArray, off: NDArray
) -> NDArray:
    weight = _alpha_t(y, on, off) * _modulator(x, y, gamma)
    return product(weight, product(y, softplus(-x)))


def _d_gamma(
    x: NDArray, y: NDArray, w: NDArray, gamma: NDArray, on: NDArray, off: NDArray
) -> NDArray:
    return product(value(x, y, w, gamma, on, off), log_q(x, y))


def _d_on(
    x: NDArray, y: NDArray, w: NDArray, gamma: NDArray, _on: NDArray, _off: NDArray
) -> NDArray:
    return product(y, _focused(x, y, w, gamma))


def _d_off(
    x: NDArray, y: NDArray, w: NDArray, gamma: NDArray, _on: NDArray, _off: NDArray
) -> NDArray:
    return product(1 - y, _focused(x, y, w, gamma))


PARTIALS = {
    "logits": _d_logits,
    "labels": _d_labels,
    "pos_weight": _d_pos_weight,
    "gamma": _d_gamma,
    "alpha": lambda *args: _d_on(*args) - _d_off(*args),
}
