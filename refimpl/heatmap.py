"""Penalty-reduced focal loss on heat maps of key points."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl import _validate, focal
from refimpl._inputs import hyperparameter
from refimpl._reduce import reduce
from refimpl._stable import product


def heatmap_focal_loss(
    logits: NDArray,
    heatmap: NDArray,
    *,
    alpha: Any = 2.0,
    beta: Any = 4.0,
    pos_mask: Any = None,
    reduction: str = "mean",
) -> Any:
    r"""Computes the focal loss of a heat map, gentle around its peaks.

    .. math::
        \ell = (1 - p)^\alpha\,\zeta(-x)\ \text{at peaks},\qquad
        \ell = (1 - h)^\beta\,p^\alpha\,\zeta(x)\ \text{elsewhere},\qquad p = \sigma(x)

    Args:
        logits: Unnormalised scores x, any shape.
        heatmap: Target h in [0, 1], 1 at peaks and falling around them, shaped like
            ``logits``.
        alpha: Focusing exponent, >= 0; it is the gamma of the other focal losses.
        beta: Exponent of the penalty reduction, >= 0. At 0 the heat map does not count.
        pos_mask: Boolean, true at peaks, shaped like ``logits``. ``None`` means
            ``heatmap == 1``.
        reduction: ``"none"``, ``"sum"``, ``"mean"`` or ``"parts"``.

    Returns:
        Array shaped like ``logits``, a scalar, or ``(total, normalizer)``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Unequal shapes, or a value out of range. Compiled backends turn
            the value and the gradient of the offending element into NaN instead.

    Convention:
        The sigmoid is inside; nothing is clamped, so a missed peak has its gradient
        of -1 however far out. ``"mean"`` divides by the number of peaks, or by 1 where
        there is none. ``"parts"`` returns that number itself, 0 included, so that it
        can be added over shards before it is replaced by 1.

    Example:
        >>> logits, heatmap = np.array([-12.0, 0.0]), np.array([1.0, 0.5])
        >>> loss = heatmap_focal_loss(logits, heatmap, reduction="none")
        >>> [f"{value:.12g}" for value in loss]
        ['11.9998586844', '0.0108304246962']

    References:
        Law and Deng, 2018, eq. 1. https://arxiv.org/abs/1808.01244; Zhou et al., 2019,
        eq. 1. https://arxiv.org/abs/1904.07850
    """
    _validate.check_choice("reduction", reduction, _validate.REDUCTIONS)
    x, h, peak = _inputs(logits, heatmap, pos_mask)
    alpha, beta = hyperparameter("alpha", alpha), hyperparameter("beta", beta)
    loss = product(_discount(h, peak, beta), focal.value(*_focal_args(x, peak, alpha)))
    if reduction == "mean":
        return np.sum(loss) / max(1, np.sum(peak))
    return reduce(loss, np.sum(peak), reduction)


def heatmap_focal_loss_grad(
    logits: NDArray,
    heatmap: NDArray,
    *,
    alpha: Any = 2.0,
    beta: Any = 4.0,
    pos_mask: Any = None,
    argument: str = "logits",
) -> NDArray:
    """Computes the gradient of the summed loss with respect to one argument.

    Args:
        logits: As in :func:`heatmap_focal_loss`, like all others.
        heatmap: See there; peaks stay peaks.
        alpha: See there.
        beta: See there.
        pos_mask: See there.
        argument: Name of the argument to differentiate with respect to.

    Returns:
        Array shaped like that argument.

    Raises:
        TypeError: As the loss does.
        ValueError: As the loss does, or an unknown ``argument``.
    """
    _validate.check_choice("argument", argument, ("logits", "heatmap", "alpha", "beta"))
    x, h, peak = _inputs(logits, heatmap, pos_mask)
    alpha, beta = hyperparameter("alpha", alpha), hyperparameter("beta", beta)
    args, discount = _focal_args(x, peak, alpha), _discount(h, peak, beta)
    if argument == "logits":
        return product(discount, focal.PARTIALS["logits"](*args))
    if argument == "alpha":
        return np.sum(product(discount, focal.PARTIALS["gamma"](*args)))
    loss = focal.value(*args)
    if argument == "heatmap":
        slope = product(beta, _discount(h, peak, beta - 1))
        return -product(np.where(peak, 0, slope), loss)
    return np.sum(product(product(discount, _log_complement(h, peak)), loss))


def _inputs(
    logits: Any, heatmap: Any, pos_mask: Any
) -> tuple[NDArray, NDArray, NDArray]:
    _validate.check_pair(logits, heatmap, names=("logits", "heatmap"))
    _validate.check_mask("pos_mask", pos_mask, logits.shape)
    x = np.asarray(logits, dtype=np.float64)
    h = np.asarray(heatmap, dtype=np.float64)
    _validate.check_range("heatmap", h, high=1)
    return x, h, h == 1 if pos_mask is None else np.asarray(pos_mask)


def _focal_args(x: NDArray, peak: NDArray, alpha: NDArray) -> tuple[NDArray, ...]:
    one = np.ones(())
    return x, peak.astype(np.float64), one, alpha, one, one


def _log_complement(h: NDArray, peak: NDArray) -> NDArray:
    """Returns log(1 - h), and 0 at peaks, which are not discounted."""
    with np.errstate(divide="ignore"):  # -inf where h = 1 is no peak: discount 0
        return np.log1p(-np.where(peak, 0, h))


def _discount(h: NDArray, peak: NDArray, beta: NDArray) -> NDArray:
    return np.exp(product(beta, _log_complement(h, peak)))
