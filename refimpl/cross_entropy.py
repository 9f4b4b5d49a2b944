"""Cross-entropy over classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl._inputs import class_inputs, hyperparameter
from refimpl._reduce import reduce, sum_to
from refimpl._softmax import negative_log_softmax, others, softmax
from refimpl._stable import product
from refimpl._validate import REDUCTIONS, SMOOTHINGS, check_choice


def cross_entropy(
    logits: NDArray,
    labels: NDArray,
    *,
    class_weights: Any = None,
    sample_weight: Any = None,
    label_smoothing: Any = 0.0,
    smoothing: str = "uniform",
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "weights",
    reduction: str = "mean",
) -> Any:
    r"""Computes the cross-entropy of the softmax of the logits.

    .. math::
        \ell = -v \sum_k w_k\,t_k \log p_k,\qquad p = \mathrm{softmax}(x)

    Args:
        logits: Unnormalised scores x with a class axis, any shape of one axis or more.
        labels: Class indices, integers shaped like ``logits`` without the class axis;
            or probabilities y in [0, 1], floating and shaped like ``logits``, that are
            expected to sum to 1 along the class axis.
        class_weights: Factor w >= 0 of each class, ``(C,)``. ``None`` means off.
        sample_weight: Factor v >= 0 of each example, shaped like the unreduced loss.
        label_smoothing: Share s in [0, 1) of the label spread over the classes.
        smoothing: ``"uniform"``: t = (1-s) y + s/C, over all classes.
            ``"off_target"``: t = (1-s) y + s (1-y)/(C-1), over the other classes.
        ignore_index: Class index of examples to leave out, as if they were not there.
        class_axis: Axis of ``logits`` that runs over the classes.
        normalizer: What ``"mean"`` divides by. ``"weights"``: the sum over kept
            examples of the weight of their label, :math:`\sum_k y_k w_k`, unsmoothed.
            ``"count"``: the number of kept examples.
        reduction: ``"none"``, ``"sum"``, ``"mean"`` or ``"parts"``.

    Returns:
        Array shaped like ``logits`` without the class axis, a scalar, or
        ``(total, normalizer)``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Shapes that do not fit, or a value out of range. Compiled backends
            turn the value and the gradient of the offending example into NaN instead,
            or of every example for a bad class weight.

    Convention:
        The softmax is inside. Smoothed mass is multiplied by the weight of the class
        it lands on. The alternative, the weight of the true class times the smoothed
        loss, is ``sample_weight=class_weights[labels]``; the two differ.
        ``sample_weight`` never enters the normalizer. The mean of nothing is 0.
        One-hot probabilities and class indices give the same number. The gradient of
        the true class is minus the sum of the others and keeps its relative accuracy
        where p - 1 rounds to 0. One infinite logit gives the limit; two equal
        infinite largest ones have none and give NaN.

    Example:
        >>> logits = np.array([[2.0, 0.0, -1.0], [30.0, 0.0, 0.0]])
        >>> labels = np.array([0, 0])
        >>> loss = cross_entropy(logits, labels, reduction="none")
        >>> [f"{value:.12g}" for value in loss]
        ['0.169846019556', '1.87152459377e-13']

    References:
        PyTorch, ``torch.nn.functional.cross_entropy``; Szegedy et al., 2016, section 7
        (smoothing). https://arxiv.org/abs/1512.00567
    """
    check_choice("reduction", reduction, REDUCTIONS)
    check_choice("smoothing", smoothing, SMOOTHINGS)
    x, y, w, v, kept, divisor = class_inputs(
        logits,
        labels,
        class_weights=class_weights,
        sample_weight=sample_weight,
        ignore_index=ignore_index,
        class_axis=class_axis,
        normalizer=normalizer,
    )
    s = hyperparameter("label_smoothing", label_smoothing, high=1, closed=False)
    t = np.where(kept[..., None], _targets(y, s, smoothing), 0)
    return reduce(product(v, value(x, t, w)), divisor, reduction)


def cross_entropy_grad(
    logits: NDArray,
    labels: NDArray,
    *,
    class_weights: Any = None,
    sample_weight: Any = None,
    label_smoothing: Any = 0.0,
    smoothing: str = "uniform",
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "weights",
    argument: str = "logits",
) -> NDArray:
    r"""Computes the gradient of the summed loss with respect to one argument.

    .. math::
        d\ell/dx_k = v\,[\,p_k \sum_{j \ne k} w_j t_j - w_k t_k \sum_{j \ne k} p_j\,]

    Args:
        logits: As in :func:`cross_entropy`, like all others.
        labels: See there.
        class_weights: See there.
        sample_weight: See there.
        label_smoothing: See there.
        smoothing: See there.
        ignore_index: See there.
        class_axis: See there.
        normalizer: See there; the sum does not depend on it.
        argument: Name of the argument to differentiate with respect to; ``"labels"``
            only where they are probabilities.

    Returns:
        Array shaped like that argument (a scalar for one that is ``None``).

    Raises:
        TypeError: As the loss does.
        ValueError: As the loss does, or an unknown ``argument``.
    """
    check_choice("smoothing", smoothing, SMOOTHINGS)
    x, y, w, v, kept, _ = class_inputs(
        logits,
        labels,
        class_weights=class_weights,
        sample_weight=sample_weight,
        ignore_index=ignore_index,
        class_axis=class_axis,
        normalizer=normalizer,
    )
    known = ("logits", "class_weights", "sample_weight", "label_smoothing")
    check_choice(
        "argument", argument, known if labels.ndim < x.ndim else (*known, "labels")
    )
    s = hyperparameter("label_smoothing", label_smoothing, high=1, closed=False)
    t = np.where(kept[..., None], _targets(y, s, smoothing), 0)
    if argument == "sample_weight":
        return sum_to(value(x, t, w), np.shape(sample_weight))
    v = v[..., None]
    if argument == "logits":
        return np.moveaxis(product(v, _d_logits(x, t, w)), -1, class_axis)
    if argument == "class_weights":
        return sum_to(product(v, _d_class_weights(x, t, w)), np.shape(class_weights))
    by_label, by_smoothing = _d_targets(y, s, smoothing)
    if argument == "labels":
        gradient = product(v, by_label * _d_labels(x, t, w))
        return np.moveaxis(gradient, -1, class_axis)
    by_smoothing = np.where(kept[..., None], by_smoothing, 0)
    return np.sum(product(v, product(by_smoothing, _d_labels(x, t, w))))


def _targets(y: NDArray, s: NDArray, smoothing: str) -> NDArray:
    classes = y.shape[-1]
    if smoothing == "uniform":
        return (1 - s) * y + s / classes
    return (1 - s) * y + s * (1 - y) / max(classes - 1, 1)


def _d_targets(y: NDArray, s: NDArray, smoothing: str) -> tuple[NDArray, NDArray]:
    """Returns the slopes of the targets by the label and by the smoothing."""
    classes = y.shape[-1]
    if smoothing == "uniform":
        return 1 - s, 1 / classes - y
    return 1 - s - s / max(classes - 1, 1), (1 - y) / max(classes - 1, 1) - y


def value(x: NDArray, t: NDArray, w: NDArray) -> NDArray:
    """Returns the unreduced loss; t is the smoothed target."""
    return np.sum(product(w * t, negative_log_softmax(x)), axis=-1)


def _d_logits(x: NDArray, t: NDArray, w: NDArray) -> NDArray:
    p, not_p = softmax(x)
    return p * others(w * t) - w * t * not_p


def _d_labels(x: NDArray, _t: NDArray, w: NDArray) -> NDArray:
    return product(w, negative_log_softmax(x))


def _d_class_weights(x: NDArray, t: NDArray, _w: NDArray) -> NDArray:
    return product(t, negative_log_softmax(x))
