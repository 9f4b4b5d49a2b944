"""Binary cross-entropy from logits."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl._inputs import binary_inputs, hyperparameter
from refimpl._reduce import reduce, sum_to
from refimpl._stable import product, sigmoid, softplus
from refimpl._validate import REDUCTIONS, check_choice


def binary_cross_entropy_with_logits(
    logits: NDArray,
    labels: NDArray,
    *,
    pos_weight: Any = None,
    sample_weight: Any = None,
    label_smoothing: Any = 0.0,
    class_axis: int = -1,
    reduction: str = "mean",
) -> Any:
    r"""Computes the binary cross-entropy of logits.

    .. math::
        \ell = v\,[\,w\,y'\,\zeta(-x) + (1 - y')\,\zeta(x)\,],\qquad
        y' = y\,(1 - s) + s/2,\qquad \zeta(x) = \log(1 + e^x)

    Args:
        logits: Unnormalised scores x, any shape.
        labels: 0 or 1, or soft in [0, 1], shaped like ``logits``.
        pos_weight: Factor w >= 0 of the positive term, a scalar or ``(C,)`` along
            ``class_axis``. ``None`` means off.
        sample_weight: Factor v >= 0 of each element, shaped like ``logits``.
        label_smoothing: Share s in [0, 1) of the label spread over both classes.
        class_axis: Axis that a ``(C,)`` ``pos_weight`` runs along.
        reduction: ``"none"``, ``"sum"``, ``"mean"`` or ``"parts"``.

    Returns:
        Array shaped like ``logits``, a scalar, or ``(total, normalizer)``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Unequal shapes, or a value out of range. Compiled backends turn
            the value and the gradient of the offending element into NaN instead.

    Convention:
        The sigmoid is inside. ``"mean"`` divides by the number of elements, whatever
        the weights, and is 0 for none. Weights do not enter the normalizer. The
        gradient is ``(1 - y') sigmoid(x) - w y' sigmoid(-x)`` and keeps its relative
        accuracy where ``sigmoid(x) - y`` rounds to 0. Infinite logits give limits.

    Example:
        >>> logits, labels = np.array([12.0, -2.0]), np.array([1.0, 0.3])
        >>> loss = binary_cross_entropy_with_logits(logits, labels, reduction="none")
        >>> [f"{value:.12g}" for value in loss]
        ['6.14419347773e-06', '0.726928011043']

    References:
        PyTorch, ``torch.nn.functional.binary_cross_entropy_with_logits``; Szegedy et
        al., 2016, section 7 (smoothing). https://arxiv.org/abs/1512.00567
    """
    check_choice("reduction", reduction, REDUCTIONS)
    x, y, w, v = binary_inputs(
        logits,
        labels,
        pos_weight=pos_weight,
        sample_weight=sample_weight,
        class_axis=class_axis,
    )
    s = hyperparameter("label_smoothing", label_smoothing, high=1, closed=False)
    return reduce(product(v, value(x, y, w, s)), x.size, reduction)


def binary_cross_entropy_with_logits_grad(
    logits: NDArray,
    labels: NDArray,
    *,
    pos_weight: Any = None,
    sample_weight: Any = None,
    label_smoothing: Any = 0.0,
    class_axis: int = -1,
    argument: str = "logits",
) -> NDArray:
    """Computes the gradient of the summed loss with respect to one argument.

    Args:
        logits: As in :func:`binary_cross_entropy_with_logits`, like all others.
        labels: See there.
        pos_weight: See there.
        sample_weight: See there.
        label_smoothing: See there.
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
    s = hyperparameter("label_smoothing", label_smoothing, high=1, closed=False)
    if argument == "sample_weight":
        return sum_to(value(x, y, w, s), np.shape(v))
    gradient = product(v, PARTIALS[argument](x, y, w, s))
    shapes = {"pos_weight": np.shape(pos_weight), "label_smoothing": ()}
    return sum_to(gradient, shapes.get(argument, x.shape), class_axis)


def _targets(y: NDArray, s: NDArray) -> tuple[NDArray, NDArray]:
    # Both sides from y: 1 - y' would lose the digits of a small s.
    return y * (1 - s) + s / 2, (1 - y) * (1 - s) + s / 2


def value(x: NDArray, y: NDArray, w: NDArray, s: NDArray) -> NDArray:
    """Returns the unreduced loss; s is the label smoothing."""
    on, off = _targets(y, s)
    return product(w * on, softplus(-x)) + product(off, softplus(x))


def _d_logits(x: NDArray, y: NDArray, w: NDArray, s: NDArray) -> NDArray:
    on, off = _targets(y, s)
    return off * sigmoid(x) - w * on * sigmoid(-x)


def _d_labels(x: NDArray, _y: NDArray, w: NDArray, s: NDArray) -> NDArray:
    return (1 - s) * (product(w, softplus(-x)) - softplus(x))


def _d_pos_weight(x: NDArray, y: NDArray, _w: NDArray, s: NDArray) -> NDArray:
    on, _ = _targets(y, s)
    return product(on, softplus(-x))


def _d_label_smoothing(x: NDArray, y: NDArray, w: NDArray, _s: NDArray) -> NDArray:
    return product(w * (0.5 - y), softplus(-x)) - product(0.5 - y, softplus(x))


PARTIALS = {
    "logits": _d_logits,
    "labels": _d_labels,
    "pos_weight": _d_pos_weight,
    "label_smoothing": _d_label_smoothing,
}
