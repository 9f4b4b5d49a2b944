"""Gradient-harmonised regression."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl import _validate
from refimpl._density import GHMState, harmonise, masked, reduce_weighted
from refimpl._inputs import hyperparameter
from refimpl._stable import product


def ghmr_loss(
    predictions: NDArray,
    targets: NDArray,
    state: Any = None,
    *,
    mu: Any = 0.02,
    bins: int = 10,
    momentum: Any = 0.0,
    debias: bool = True,
    average_over: str = "nonempty",
    sample_mask: Any = None,
    reduce_counts: Callable[[NDArray], NDArray] | None = None,
    reduction: str = "mean",
) -> tuple[Any, GHMState]:
    r"""Computes the gradient-harmonised regression loss.

    .. math::
        \ell_i = \frac{N}{B\,d(g_i)}\,[\,\sqrt{d_i^2 + \mu^2} - \mu\,],\qquad
        g = |d| / \sqrt{d^2 + \mu^2}

    where d is the difference of prediction and target.

    Args:
        predictions: Predicted values, any shape.
        targets: True values, shaped like ``predictions``.
        state: As in :func:`refimpl.ghmc_loss`.
        mu: Width > 0 of the quadratic part, in the unit of the predictions.
        bins: As in :func:`refimpl.ghmc_loss`.
        momentum: See there.
        debias: See there.
        average_over: See there.
        sample_mask: See there.
        reduce_counts: See there.
        reduction: ``"none"``, ``"sum"``, ``"mean"`` or ``"parts"``.

    Returns:
        ``(loss, state)``, as :func:`refimpl.ghmc_loss` does.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Unequal shapes, or a value out of range. Compiled backends turn
            the value and the gradient into NaN instead.

    Convention:
        As :func:`refimpl.ghmc_loss`. The loss is computed as
        d^2 / (sqrt(d^2 + mu^2) + mu), which keeps its digits for small differences.

    Example:
        >>> loss, _ = ghmr_loss(np.array([0.0, 0.01]), np.zeros(2), reduction="none")
        >>> [f"{value:.6f}" for value in loss]
        ['0.000000', '0.002361']

    References:
        Li et al., 2019, eq. 10 and 13. https://arxiv.org/abs/1811.05181
    """
    _validate.check_choice("reduction", reduction, _validate.REDUCTIONS)
    d, width = _inputs(predictions, targets, mu, sample_mask)
    harmony = harmonise(
        np.abs(_slope(d, width)),
        state,
        bins=bins,
        momentum=momentum,
        debias=debias,
        average_over=average_over,
        sample_mask=sample_mask,
        reduce_counts=reduce_counts,
    )
    loss = np.abs(d) * _ratio(d, np.hypot(d, width) + width)
    return reduce_weighted(harmony, loss, reduction), harmony.state


def ghmr_loss_grad(
    predictions: NDArray,
    targets: NDArray,
    state: Any = None,
    *,
    mu: Any = 0.02,
    bins: int = 10,
    momentum: Any = 0.0,
    debias: bool = True,
    average_over: str = "nonempty",
    sample_mask: Any = None,
    reduce_counts: Callable[[NDArray], NDArray] | None = None,
    argument: str = "predictions",
) -> NDArray:
    """Computes the gradient of the summed loss, at fixed weights.

    Args:
        predictions: As in :func:`ghmr_loss`, like all others.
        targets: See there.
        state: See there.
        mu: See there.
        bins: See there.
        momentum: See there.
        debias: See there.
        average_over: See there.
        sample_mask: See there.
        reduce_counts: See there.
        argument: ``"predictions"`` or ``"targets"``.

    Returns:
        Array shaped like ``predictions``.

    Raises:
        TypeError: As the loss does.
        ValueError: As the loss does, or an unknown ``argument``.
    """
    _validate.check_choice("argument", argument, ("predictions", "targets"))
    d, width = _inputs(predictions, targets, mu, sample_mask)
    slope = _slope(d, width)
    harmony = harmonise(
        np.abs(slope),
        state,
        bins=bins,
        momentum=momentum,
        debias=debias,
        average_over=average_over,
        sample_mask=sample_mask,
        reduce_counts=reduce_counts,
    )
    return product(harmony.weight, slope if argument == "predictions" else -slope)


def _inputs(
    predictions: Any, targets: Any, mu: Any, sample_mask: Any
) -> tuple[NDArray, NDArray]:
    _validate.check_pair(predictions, targets, names=("predictions", "targets"))
    _validate.check_mask("sample_mask", sample_mask, predictions.shape)
    width = hyperparameter("mu", mu, positive=True)
    ahead, behind = (masked(sample_mask, array) for array in (predictions, targets))
    return np.asarray(ahead, np.float64) - np.asarray(behind, np.float64), width


def _ratio(d: NDArray, size: NDArray) -> NDArray:
    """Returns |d| / size, where both may be infinite."""
    return np.where(np.isinf(d), 1, np.abs(d) / np.where(np.isinf(d), 1, size))


def _slope(d: NDArray, width: NDArray) -> NDArray:
    return np.sign(d) * _ratio(d, np.hypot(d, width))
