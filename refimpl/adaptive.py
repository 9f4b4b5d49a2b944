"""Adaptive binary cross-entropy: a weighted loss with a focusing modulator."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl import bce, focal
from refimpl._inputs import binary_inputs, hyperparameter
from refimpl._reduce import reduce, sum_to
from refimpl._stable import product
from refimpl._validate import MODULATORS, REDUCTIONS, check_choice


def adaptive_bce_with_logits(
    logits: NDArray,
    labels: NDArray,
    *,
    pos_weight: Any,
    gamma: Any = 2.0,
    modulator: str = "probability",
    reduction: str = "mean",
) -> Any:
    r"""Computes the weighted binary cross-entropy, focused on hard examples.

    .. math::
        \ell = (1 - p_t)^\gamma\,b,\qquad b = w\,y\,\zeta(-x) + (1 - y)\,\zeta(x)

    Args:
        logits: Unnormalised scores x, any shape.
        labels: 0 or 1, or soft in [0, 1], shaped like ``logits``.
        pos_weight: Factor w >= 0 of the positive term, a scalar or ``(C,)`` along the
            last axis.
        gamma: Focusing exponent, >= 0. At 0 this is the weighted cross-entropy.
        modulator: ``"probability"``: p_t is the probability of the true class, which
            makes this the focal loss with ``pos_weight``. ``"weighted_loss"``:
            p_t = exp(-b), which is that probability raised to the power w.
        reduction: ``"none"``, ``"sum"``, ``"mean"`` or ``"parts"``.

    Returns:
        Array shaped like ``logits``, a scalar, or ``(total, normalizer)``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Unequal shapes, or a value out of range. Compiled backends turn
            the value and the gradient of the offending element into NaN instead.

    Convention:
        The sigmoid is inside. ``"mean"`` divides by the number of elements. With
        ``"weighted_loss"`` and w > 1 positives are focused less than negatives of
        the same difficulty, since their p_t is p^w.

    Example:
        >>> logits, labels = np.zeros(1), np.ones(1)
        >>> float(adaptive_bce_with_logits(logits, labels, pos_weight=5.0))
        0.8664339756999316

    References:
        Lin et al., 2017, eq. 4. https://arxiv.org/abs/1708.02002
    """
    check_choice("reduction", reduction, REDUCTIONS)
    check_choice("modulator", modulator, MODULATORS)
    x, y, w, _ = binary_inputs(logits, labels, pos_weight=pos_weight)
    gamma = hyperparameter("gamma", gamma)
    if modulator == "probability":
        loss = focal.value(x, y, w, gamma, *focal.alphas(None))
    else:
        loss = _weighted_loss_value(x, y, w, gamma)
    return reduce(loss, x.size, reduction)


def adaptive_bce_with_logits_grad(
    logits: NDArray,
    labels: NDArray,
    *,
    pos_weight: Any,
    gamma: Any = 2.0,
    modulator: str = "probability",
    argument: str = "logits",
) -> NDArray:
    """Computes the gradient of the summed loss with respect to one argument.

    Args:
        logits: As in :func:`adaptive_bce_with_logits`, like all others.
        labels: See there.
        pos_weight: See there.
        gamma: See there.
        modulator: See there.
        argument: Name of the argument to differentiate with respect to.

    Returns:
        Array shaped like that argument.

    Raises:
        TypeError: As the loss does.
        ValueError: As the loss does, or an unknown ``argument``.
    """
    check_choice("modulator", modulator, MODULATORS)
    check_choice("argument", argument, ("logits", "labels", "pos_weight", "gamma"))
    x, y, w, _ = binary_inputs(logits, labels, pos_weight=pos_weight)
    gamma = hyperparameter("gamma", gamma)
    if modulator == "probability":
        gradient = focal.PARTIALS[argument](x, y, w, gamma, *focal.alphas(None))
    else:
        gradient = _weighted_loss_partial(argument, x, y, w, gamma)
    shapes = {"pos_weight": np.shape(pos_weight), "gamma": ()}
    return sum_to(gradient, shapes.get(argument, x.shape))


def _modulate(b: NDArray, gamma: NDArray) -> NDArray:
    return np.exp(product(gamma, _log_modulator(b)))


def _log_modulator(b: NDArray) -> NDArray:
    with np.errstate(divide="ignore"):  # log 0 = -inf is the limit meant at b = 0
        return np.log(-np.expm1(-b))


def _elasticity(b: NDArray) -> NDArray:
    # d log(1 - exp(-b)) / d log b = b exp(-b) / (1 - exp(-b)), which is 1 at b = 0.
    p = -np.expm1(-b)
    return product(np.exp(-b), b) / np.where(b == 0, 1, p) + (b == 0)


def _weighted_loss_value(x: NDArray, y: NDArray, w: NDArray, gamma: NDArray) -> NDArray:
    b = bce.value(x, y, w, np.zeros(()))
    return product(_modulate(b, gamma), b)


def _weighted_loss_partial(
    argument: str, x: NDArray, y: NDArray, w: NDArray, gamma: NDArray
) -> NDArray:
    b = bce.value(x, y, w, np.zeros(()))
    if argument == "gamma":
        return product(product(_modulate(b, gamma), b), _log_modulator(b))
    slope = _modulate(b, gamma) * (1 + gamma * _elasticity(b))
    return product(slope, bce.PARTIALS[argument](x, y, w, np.zeros(())))
