"""Focal loss on independent logits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl._inputs import binary_inputs, hyperparameter
from refimpl._reduce import reduce, sum_to
from refimpl._stable import product, sigmoid, softplus, softplus_ratio
from refimpl._validate import REDUCTIONS, check_choice


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
    weight = v * _alpha_t(y, alpha)
    loss = product(weight, value(x, y, w, hyperparameter("gamma", gamma)))
    return reduce(loss, x.size, reduction)


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
    check_choice("argument", argument, (*PARTIALS, "alpha", "sample_weight"))
    x, y, w, v = binary_inputs(
        logits,
        labels,
        pos_weight=pos_weight,
        sample_weight=sample_weight,
        class_axis=class_axis,
    )
    args = (x, y, w, hyperparameter("gamma", gamma))
    alpha_t = _alpha_t(y, alpha)
    if argument == "sample_weight":
        return sum_to(product(alpha_t, value(*args)), np.shape(v))
    if argument == "alpha":
        return np.sum(product(v * (2 * y - 1), value(*args)))
    gradient = product(v * alpha_t, PARTIALS[argument](*args))
    if argument == "labels" and alpha is not None:
        through_alpha = product(v * (2 * np.asarray(alpha) - 1), value(*args))
        with np.errstate(invalid="ignore"):  # inf - inf at an infinite logit: no limit
            gradient = gradient + through_alpha
    shapes = {"pos_weight": np.shape(pos_weight), "gamma": ()}
    return sum_to(gradient, shapes.get(argument, x.shape), class_axis)


def _alpha_t(y: NDArray, alpha: Any) -> NDArray:
    if alpha is None:
        return np.ones_like(y)
    alpha = hyperparameter("alpha", alpha, high=1)
    return y * alpha + (1 - y) * (1 - alpha)


def _cross_entropy(x: NDArray, y: NDArray, w: NDArray) -> NDArray:
    return product(w * y, softplus(-x)) + product(1 - y, softplus(x))


def _log_q(x: NDArray, y: NDArray) -> NDArray:
    # A hard label has log q = -softplus(margin), where q itself underflows.
    hard = (y == 0) | (y == 1)
    q = y * sigmoid(-x) + (1 - y) * sigmoid(x)
    return np.where(
        hard, -softplus(np.where(y == 1, x, -x)), np.log(np.where(hard, 1, q))
    )


def _share(x: NDArray, y: NDArray) -> NDArray:
    # y sigmoid(-x) / q, the share of the positive term in q; 1 or 0 if y is hard.
    # The share of the negative term is _share(-x, 1 - y): 1 - share would cancel.
    hard = (y == 0) | (y == 1)
    soft = np.where(hard, 0.5, y)
    return np.where(hard, y, sigmoid(np.log(soft) - np.log1p(-soft) - x))


def _modulator(x: NDArray, y: NDArray, gamma: NDArray) -> NDArray:
    return np.exp(product(gamma, _log_q(x, y)))


def value(x: NDArray, y: NDArray, w: NDArray, gamma: NDArray) -> NDArray:
    """Returns the unreduced loss before alpha and sample weights."""
    return product(_modulator(x, y, gamma), _cross_entropy(x, y, w))


def _d_logits(x: NDArray, y: NDArray, w: NDArray, gamma: NDArray) -> NDArray:
    d_log_q = _share(-x, 1 - y) * sigmoid(-x) - _share(x, y) * sigmoid(x)
    d_cross_entropy = (1 - y) * sigmoid(x) - w * y * sigmoid(-x)
    focusing = gamma * product(d_log_q, _cross_entropy(x, y, w))
    return _modulator(x, y, gamma) * (focusing + d_cross_entropy)


def _d_labels(x: NDArray, y: NDArray, w: NDArray, gamma: NDArray) -> NDArray:
    # Cross-entropy / q stays finite where both vanish, so 1 / q is never formed.
    ratio = product(w * _share(x, y), softplus_ratio(-x))
    ratio = ratio + product(_share(-x, 1 - y), softplus_ratio(x))
    focusing = product(gamma * (sigmoid(-x) - sigmoid(x)), ratio)
    d_cross_entropy = product(w, softplus(-x)) - softplus(x)
    return product(_modulator(x, y, gamma), focusing + d_cross_entropy)


def _d_pos_weight(x: NDArray, y: NDArray, _w: NDArray, gamma: NDArray) -> NDArray:
    return product(_modulator(x, y, gamma), product(y, softplus(-x)))


def _d_gamma(x: NDArray, y: NDArray, w: NDArray, gamma: NDArray) -> NDArray:
    return product(value(x, y, w, gamma), _log_q(x, y))


PARTIALS = {
    "logits": _d_logits,
    "labels": _d_labels,
    "pos_weight": _d_pos_weight,
    "gamma": _d_gamma,
}
