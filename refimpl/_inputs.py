"""Checks and conversions at the door of every loss."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refimpl import _validate
from refimpl._reduce import along_class_axis


class BinaryInputs(NamedTuple):
    """Arguments of a binary loss as float64, weights ready to broadcast."""

    logits: NDArray
    labels: NDArray
    pos_weight: NDArray
    sample_weight: NDArray


def binary_inputs(
    logits: Any,
    labels: Any,
    *,
    pos_weight: Any = None,
    sample_weight: Any = None,
    class_axis: int = -1,
) -> BinaryInputs:
    """Validates and converts; a weight that is off becomes 1."""
    _validate.check_pair(logits, labels)
    shape = tuple(logits.shape)
    _validate.check_class_weight("pos_weight", pos_weight, shape, class_axis)
    _validate.check_sample_weight(sample_weight, shape)
    inputs = BinaryInputs(
        np.asarray(logits, dtype=np.float64),
        np.asarray(labels, dtype=np.float64),
        np.asarray(1 if pos_weight is None else pos_weight, dtype=np.float64),
        np.asarray(1 if sample_weight is None else sample_weight, dtype=np.float64),
    )
    _validate.check_range("labels", inputs.labels, high=1)
    _validate.check_range("pos_weight", inputs.pos_weight)
    _validate.check_range("sample_weight", inputs.sample_weight)
    axis_weight = along_class_axis(inputs.pos_weight, len(shape), class_axis)
    return inputs._replace(pos_weight=axis_weight)


def hyperparameter(name: str, value: Any, **bounds: Any) -> NDArray:
    """Validates a scalar within the bounds of ``check_number``; returns float64."""
    _validate.check_number(name, value, **bounds)
    array = np.asarray(value, dtype=np.float64)
    _validate.check_number(name, float(array), **bounds)
    return array


class ClassInputs(NamedTuple):
    """Arguments of a loss on classes as float64, the class axis last.

    Attributes:
        logits: Scores, 0 in ignored examples.
        labels: Probability of each class; one-hot for indices, 0 in ignored examples.
        class_weights: One value per class.
        sample_weight: One value per example, 1 where off or ignored.
        kept: Whether an example counts.
        normalizer: What ``"mean"`` divides by.
    """

    logits: NDArray
    labels: NDArray
    class_weights: NDArray
    sample_weight: NDArray
    kept: NDArray
    normalizer: NDArray


def class_inputs(
    logits: Any,
    labels: Any,
    *,
    class_weights: Any,
    sample_weight: Any = None,
    ignore_index: int,
    class_axis: int,
    normalizer: str,
) -> ClassInputs:
    """Validates and converts; a weight that is off becomes 1."""
    _validate.check_choice("normalizer", normalizer, _validate.NORMALIZERS)
    _validate.check_integer("ignore_index", ignore_index)
    by_index = _validate.check_classes(logits, labels, class_axis)
    x = np.moveaxis(np.asarray(logits, dtype=np.float64), class_axis, -1)
    _validate.check_class_weights(class_weights, x.shape[-1])
    _validate.check_sample_weight(sample_weight, x.shape[:-1])
    if by_index:
        kept = np.asarray(labels) != ignore_index
        index = np.where(kept, labels, 0)
        _validate.check_index("labels", index, x.shape[-1])
        y = (np.arange(x.shape[-1]) == index[..., None]) * kept[..., None].astype(float)
    else:
        y = np.moveaxis(np.asarray(labels, dtype=np.float64), class_axis, -1)
        _validate.check_range("labels", y, high=1)
        kept = np.ones(x.shape[:-1], dtype=bool)
    w = np.ones(x.shape[-1]) if class_weights is None else class_weights
    v = np.where(kept, 1 if sample_weight is None else sample_weight, 1)
    w, v = np.asarray(w, dtype=np.float64), np.asarray(v, dtype=np.float64)
    _validate.check_range("class_weights", w)
    _validate.check_range("sample_weight", v)
    divisor = np.sum(y * w) if normalizer == "weights" else np.sum(kept)
    x = np.where(kept[..., None], x, 0)
    return ClassInputs(x, y, w, v, kept, np.asarray(divisor))
