"""Focal loss over classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl import focal
from refimpl._inputs import class_inputs, hyperparameter
from refimpl._reduce import reduce, sum_to
from refimpl._softmax import margin
from refimpl._stable import product
from refimpl._validate import REDUCTIONS, check_choice, check_indices


def softmax_focal_loss(
    logits: NDArray,
    labels: NDArray,
    *,
    gamma: Any = 2.0,
    class_weights: Any = None,
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "count",
    reduction: str = "mean",
) -> Any:
    r"""Computes the focal loss of the softmax of the logits.

    .. math::
        \ell = -w_y\,(1 - p_y)^\gamma \log p_y,\qquad p = \mathrm{softmax}(x)

    Args:
        logits: Unnormalised scores x with a class axis, any shape of one axis or more.
        labels: Class indices y, integers shaped like ``logits`` without that axis.
        gamma: Focusing exponent, >= 0. At 0 this is the weighted cross-entropy.
        class_weights: Factor w >= 0 of each class, ``(C,)``. ``None`` means off.
        ignore_index: Class index of examples to leave out, as if they were not there.
        class_axis: Axis of ``logits`` that runs over the classes.
        normalizer: What ``"mean"`` divides by. ``"count"``: the number of kept
            examples. ``"weights"``: the sum of the weights of their labels.
        reduction: ``"none"``, ``"sum"``, ``"mean"`` or ``"parts"``.

    Returns:
        Array shaped like ``labels``, a scalar, or ``(total, normalizer)``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Shapes that do not fit, or a value out of range. Compiled backends
            turn the value and the gradient of the offending example into NaN instead,
            or of every example for a bad class weight.

    Convention:
        The softmax is inside. A scalar alpha would be a constant factor: balance the
        classes by ``class_weights``. With the log-odds m of the labelled class,
        p_y = sigmoid(m), so this is the sigmoid focal loss of a positive with logit m;
        value, gradient and second derivative are finite for every finite logit and
        every ``gamma >= 0``, also below 1. The mean of nothing is 0.

    Example:
        >>> logits = np.array([[2.0, 0.0, -1.0], [30.0, 0.0, 0.0]])
        >>> labels = np.array([0, 0])
        >>> loss = softmax_focal_loss(logits, labels, gamma=0.5, reduction="none")
        >>> [f"{value:.12g}" for value in loss]
        ['0.0671279227151', '8.09642519831e-20']

    References:
        Lin et al., 2017, eq. 5. https://arxiv.org/abs/1708.02002
    """
    check_choice("reduction", reduction, REDUCTIONS)
    check_indices(labels)
    x, y, w, _, kept, divisor = class_inputs(
        logits,
        labels,
        class_weights=class_weights,
        ignore_index=ignore_index,
        class_axis=class_axis,
        normalizer=normalizer,
    )
    m, _ = margin(x, y)
    loss = focal.value(*_positive(m, y @ w, hyperparameter("gamma", gamma)))
    return reduce(np.where(kept, loss, 0), divisor, reduction)


def softmax_focal_loss_grad(
    logits: NDArray,
    labels: NDArray,
    *,
    gamma: Any = 2.0,
    class_weights: Any = None,
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "count",
    argument: str = "logits",
) -> NDArray:
    r"""Computes the gradient of the summed loss with respect to one argument.

    .. math::
        d\ell/dx_y = d\ell/dm,\qquad
        d\ell/dx_k = -(d\ell/dm)\,p_k / \sum_{j \ne y} p_j

    Args:
        logits: As in :func:`softmax_focal_loss`, like all others.
        labels: See there.
        gamma: See there.
        class_weights: See there.
        ignore_index: See there.
        class_axis: See there.
        normalizer: See there; the sum does not depend on it.
        argument: Name of the argument to differentiate with respect to.

    Returns:
        Array shaped like that argument (a scalar for one that is ``None``).

    Raises:
        TypeError: As the loss does.
        ValueError: As the loss does, or an unknown ``argument``.
    """
    check_choice("argument", argument, ("logits", "class_weights", "gamma"))
    check_indices(labels)
    x, y, w, _, kept, _ = class_inputs(
        logits,
        labels,
        class_weights=class_weights,
        ignore_index=ignore_index,
        class_axis=class_axis,
        normalizer=normalizer,
    )
    m, slope = margin(x, y)
    args = _positive(m, y @ w, hyperparameter("gamma", gamma))
    if argument == "gamma":
        return np.sum(np.where(kept, focal.PARTIALS["gamma"](*args), 0))
    if argument == "class_weights":
        by_weight = product(y, focal.PARTIALS["pos_weight"](*args)[..., None])
        return sum_to(by_weight, np.shape(class_weights))
    by_margin = np.where(kept, focal.PARTIALS["logits"](*args), 0)
    return np.moveaxis(product(by_margin[..., None], slope), -1, class_axis)


def _positive(m: NDArray, w: NDArray, gamma: NDArray) -> tuple[NDArray, ...]:
    """Arguments of the sigmoid focal loss of positives with logit m and weight w."""
    one = np.ones(())
    return m, np.ones_like(m), w, gamma, one, one
