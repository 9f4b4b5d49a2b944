"""Checks and conversions at the door of every link."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl import _validate
from refimpl._reduce import along_class_axis
from refimpl._stable import sigmoid

# Sums of probabilities in half precision are this far from 1 at worst.
_SUM_TOLERANCE = 1e-2


def real(name: str, values: ArrayLike) -> NDArray:
    """Converts to float64; refuses complex numbers."""
    array = np.asarray(values)
    _validate.check_real(name, array)
    return array.astype(np.float64)


def to_log_odds(posterior: ArrayLike, *, log_odds: bool) -> NDArray:
    """Returns the log-odds of probabilities, or what already are log-odds."""
    _check_flag(log_odds)
    eta = real("posterior", posterior)
    if log_odds:
        return eta
    _validate.check_range("posterior", eta, high=1)
    with np.errstate(divide="ignore"):  # log 0 = -inf is the limit meant
        return np.log(eta) - np.log1p(-eta)


def from_log_odds(value: NDArray, *, log_odds: bool) -> NDArray:
    """Returns probabilities, or the log-odds as they are."""
    _check_flag(log_odds)
    return value if log_odds else sigmoid(value)


def _check_flag(log_odds: Any) -> None:
    if not isinstance(log_odds, bool):
        raise TypeError(f"log_odds must be True or False, got {log_odds!r}.")


def log_weight(
    name: str, weight: Any, shape: tuple[int, ...], class_axis: int = -1
) -> NDArray:
    """Returns the logarithm of a positive weight, ready to broadcast; None is off."""
    _validate.check_class_weight(name, weight, shape, class_axis)
    array = np.asarray(1 if weight is None else weight, dtype=np.float64)
    return along_class_axis(_log_positive(name, array), len(shape), class_axis)


def log_class_weights(class_weights: Any, classes: int) -> NDArray:
    """Returns the logarithms of positive class weights, ``(C,)``; None is off."""
    _validate.check_class_weights(class_weights, classes)
    array = np.ones(classes) if class_weights is None else class_weights
    return _log_positive("class_weights", np.asarray(array, dtype=np.float64))


def _log_positive(name: str, array: NDArray) -> NDArray:
    if not ((array > 0) & (array < np.inf)).all():
        raise ValueError(
            f"{name} must be finite and > 0, got {array.tolist()}: "
            "a class that weighs nothing has no posterior to recover."
        )
    return np.log(array)


def class_scores(name: str, scores: ArrayLike, class_axis: int) -> NDArray:
    """Returns scores of two classes or more as float64, the class axis last."""
    array = real(name, scores)
    if array.ndim == 0:
        raise ValueError(f"{name} must have a class axis, got shape ().")
    _validate.check_class_axis(class_axis, array.shape)
    if array.shape[class_axis] < 2:
        raise ValueError(
            f"{name} must have two classes or more, got shape {array.shape} "
            f"with class_axis={class_axis}."
        )
    return np.moveaxis(array, class_axis, -1)


def class_posterior(posterior: ArrayLike, class_axis: int) -> NDArray:
    """Returns probabilities of classes that sum to 1 along the last axis."""
    eta = class_scores("posterior", posterior, class_axis)
    _validate.check_range("posterior", eta, high=1)
    total = eta.sum(axis=-1, keepdims=True)
    off = np.abs(total - 1) > _SUM_TOLERANCE
    if off.any():
        raise ValueError(
            f"posterior must sum to 1 along class_axis={class_axis}, "
            f"got {float(total[off][0])!r}."
        )
    return eta / total
