"""Checks and conversions at the door of every loss on independent logits."""

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
    _validate.check_logits_labels(logits, labels)
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


def hyperparameter(
    name: str, value: Any, *, high: float = np.inf, closed: bool = True
) -> NDArray:
    """Validates a scalar in [0, high], or [0, high), and converts it to float64."""
    _validate.check_number(name, value, high=high, closed=closed)
    array = np.asarray(value, dtype=np.float64)
    _validate.check_number(name, float(array), high=high, closed=closed)
    return array
