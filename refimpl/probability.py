"""Binary cross-entropy from probabilities, kept to show what it loses."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl import _validate
from refimpl._reduce import reduce
from refimpl._stable import product

# PyTorch's clamp of both logarithms.
_LEAST_LOG = -100.0


def binary_cross_entropy(
    probs: NDArray,
    labels: NDArray,
    *,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Any:
    r"""Computes the binary cross-entropy of probabilities.

    .. math::
        \ell = -v\,[\,y \max(\log p, -100) + (1 - y) \max(\log(1 - p), -100)\,]

    Args:
        probs: Probabilities p in [0, 1], any shape.
        labels: 0 or 1, or soft in [0, 1], shaped like ``probs``.
        sample_weight: Factor v >= 0 of each element, shaped like ``probs``.
        reduction: ``"none"``, ``"sum"``, ``"mean"`` or ``"parts"``.

    Returns:
        Array shaped like ``probs``, a scalar, or ``(total, normalizer)``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Unequal shapes, or a value out of range. Compiled backends turn
            the value and the gradient of the offending element into NaN instead.

    Convention:
        The sigmoid is outside, and with it the digits: p rounds to 1 from a logit of
        17 in float32, and the gradient by the logit is then 0 on either side. Prefer
        :func:`binary_cross_entropy_with_logits`. The gradient is that of the formula,
        so a clamped logarithm has none; PyTorch divides by max(p (1-p), 1e-12)
        instead. ``"mean"`` divides by the number of elements, whatever the weights.

    Example:
        >>> probs, labels = np.array([0.25, 1.0, 0.0]), np.array([1.0, 1.0, 1.0])
        >>> binary_cross_entropy(probs, labels, reduction="none").tolist()
        [1.3862943611198906, 0.0, 100.0]

    References:
        PyTorch, ``torch.nn.functional.binary_cross_entropy``.
    """
    _validate.check_choice("reduction", reduction, _validate.REDUCTIONS)
    p, y, v = _inputs(probs, labels, sample_weight)
    return reduce(product(v, value(p, y)), p.size, reduction)


def binary_cross_entropy_grad(
    probs: NDArray,
    labels: NDArray,
    *,
    sample_weight: Any = None,
    argument: str = "probs",
) -> NDArray:
    """Computes the gradient of the summed loss with respect to one argument.

    Args:
        probs: As in :func:`binary_cross_entropy`, like all others.
        labels: See there.
        sample_weight: See there.
        argument: Name of the argument to differentiate with respect to.

    Returns:
        Array shaped like that argument (a scalar for one that is ``None``).

    Raises:
        TypeError: As the loss does.
        ValueError: As the loss does, or an unknown ``argument``.
    """
    _validate.check_choice("argument", argument, ("probs", "labels", "sample_weight"))
    p, y, v = _inputs(probs, labels, sample_weight)
    if argument == "sample_weight":
        loss = value(p, y)
        return loss if sample_weight is not None else np.sum(loss)
    return v * (_d_probs(p, y) if argument == "probs" else _d_labels(p, y))


def _inputs(
    probs: Any, labels: Any, sample_weight: Any
) -> tuple[NDArray, NDArray, NDArray]:
    _validate.check_pair(probs, labels, names=("probs", "labels"))
    _validate.check_sample_weight(sample_weight, probs.shape)
    p = np.asarray(probs, dtype=np.float64)
    y = np.asarray(labels, dtype=np.float64)
    v = np.asarray(1 if sample_weight is None else sample_weight, dtype=np.float64)
    _validate.check_range("probs", p, high=1)
    _validate.check_range("labels", y, high=1)
    _validate.check_range("sample_weight", v)
    return p, y, v


def _logs(p: NDArray) -> tuple[NDArray, NDArray]:
    """Returns the logarithms of p and 1 - p, not clamped."""
    with np.errstate(divide="ignore"):  # log 0 = -inf is what the clamp is for
        return np.log(p), np.log1p(-p)


def value(p: NDArray, y: NDArray) -> NDArray:
    """Returns the unreduced loss."""
    log_p, log_not_p = (np.maximum(log, _LEAST_LOG) for log in _logs(p))
    return -y * log_p - (1 - y) * log_not_p


def _d_probs(p: NDArray, y: NDArray) -> NDArray:
    # Written so that NaN is not taken for a clamped logarithm.
    on, off = (~(log < _LEAST_LOG) for log in _logs(p))
    rise = np.where(off, 1 - y, 0) / np.where(off, 1 - p, 1)
    return rise - np.where(on, y, 0) / np.where(on, p, 1)


def _d_labels(p: NDArray, _y: NDArray) -> NDArray:
    log_p, log_not_p = (np.maximum(log, _LEAST_LOG) for log in _logs(p))
    return log_not_p - log_p
