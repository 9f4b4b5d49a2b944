"""Valid rewritings of the losses in NumPy: other algebra, width and order.

A function ``<name>_grad`` is the gradient of ``<name>``, as in ``numpy_faults``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import refimpl
from refimpl._inputs import binary_inputs, hyperparameter
from refimpl._reduce import reduce
from refimpl._stable import product

Array = NDArray[Any]


def _wide(array: Any) -> Any:
    return np.asarray(array, np.longdouble)


def _sides(labels: Array, smoothing: Any) -> tuple[Array, Array]:
    y, s = _wide(labels), hyperparameter("s", smoothing, high=1, closed=False)
    return y * (1 - s) + s / 2, (1 - y) * (1 - s) + s / 2


def logaddexp_in_extended_precision(
    logits: Array,
    labels: Array,
    *,
    label_smoothing: Any = 0.0,
    reduction: str = "mean",
    **weights: Any,
) -> Any:
    x, y, w, v = binary_inputs(logits, labels, **_completed(weights))
    on, off = _sides(y, label_smoothing)
    x = _wide(x)
    loss = product(w * on, np.logaddexp(0, -x)) + product(off, np.logaddexp(0, x))
    return reduce(np.asarray(product(v, loss), np.float64), x.size, reduction)


def logaddexp_in_extended_precision_grad(
    logits: Array,
    labels: Array,
    *,
    label_smoothing: Any = 0.0,
    argument: str = "logits",
    **weights: Any,
) -> Any:
    x, y, w, v = binary_inputs(logits, labels, **_completed(weights))
    if argument != "logits":
        return refimpl.binary_cross_entropy_with_logits_grad(
            logits,
            labels,
            label_smoothing=label_smoothing,
            argument=argument,
            **weights,
        )
    on, off = _sides(y, label_smoothing)
    x = _wide(x)
    # sigmoid(v) = exp(-softplus(-v)).
    slope = off * np.exp(-np.logaddexp(0, -x)) - w * on * np.exp(-np.logaddexp(0, x))
    return np.asarray(product(v, slope), np.float64)


def _completed(weights: dict[str, Any]) -> dict[str, Any]:
    return {"pos_weight": None, "sample_weight": None, "class_axis": -1, **weights}


def permuted_classes(logits: Array, labels: Array, **options: Any) -> Any:
    return refimpl.softmax_focal_loss(*_turned(logits, labels, options), **options)


def permuted_classes_grad(
    logits: Array, labels: Array, *, argument: str = "logits", **options: Any
) -> Any:
    axis = options.get("class_axis", -1)
    places = _turned(logits, labels, options)
    slope = refimpl.softmax_focal_loss_grad(*places, argument=argument, **options)
    if argument == "logits":
        return np.flip(slope, axis)
    return slope[::-1] if argument == "class_weights" else slope


def _turned(logits: Array, labels: Array, options: dict[str, Any]) -> Any:
    """Turns the classes round, in the options too."""
    axis, own = options.get("class_axis", -1), options.get("ignore_index", -100)
    last = logits.shape[axis] - 1
    inside = (labels >= 0) & (labels <= last)
    if 0 <= own <= last:
        options["ignore_index"] = last - own
    if options.get("class_weights") is not None:
        options["class_weights"] = options["class_weights"][::-1]
    return np.flip(logits, axis), np.where(inside, last - labels, labels)


def sorted_losses(
    logits: Array, labels: Array, *, reduction: str = "mean", **options: Any
) -> Any:
    """Terms are added from the largest to the smallest."""
    loss = refimpl.sigmoid_focal_loss(logits, labels, reduction="none", **options)
    if reduction == "none":
        return loss
    return reduce(np.sort(loss, axis=None)[::-1], loss.size, reduction)


def scattered(
    predictions: Array, targets: Array, state: Any = None, **options: Any
) -> Any:
    """The elements in another order."""
    first, second, options = _reversed(predictions, targets, options)
    loss, after = refimpl.ghmr_loss(first, second, state, **options)
    whole = options.get("reduction", "mean") != "none"
    return (loss if whole else loss[::-1].reshape(predictions.shape)), after


def scattered_grad(
    predictions: Array, targets: Array, state: Any = None, **options: Any
) -> Any:
    first, second, options = _reversed(predictions, targets, options)
    slope = refimpl.ghmr_loss_grad(first, second, state, **options)
    return slope[::-1].reshape(predictions.shape)


def _reversed(first: Array, second: Array, options: dict[str, Any]) -> Any:
    if options.get("sample_mask") is not None:
        options = {**options, "sample_mask": options["sample_mask"].ravel()[::-1]}
    return first.ravel()[::-1], second.ravel()[::-1], options
