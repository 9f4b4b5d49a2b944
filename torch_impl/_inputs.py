"""Checks and conversions at the door of every loss; see ``refimpl._inputs``."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from refimpl import _validate
from torch_impl._reduce import along_class_axis


class BinaryInputs(NamedTuple):
    """Arguments of a binary loss, all in the dtype and shape of computation."""

    logits: Tensor
    labels: Tensor
    pos_weight: Tensor
    sample_weight: Tensor


def binary_inputs(
    logits: Tensor,
    labels: Tensor,
    *,
    pos_weight: Any = None,
    sample_weight: Any = None,
    class_axis: int = -1,
) -> BinaryInputs:
    """Validates and converts; a weight that is off becomes 1, a bad value NaN."""
    _validate.check_pair(logits, labels)
    if not isinstance(logits, Tensor):
        raise TypeError(f"logits must be a tensor, got {type(logits).__name__}.")
    shape = tuple(logits.shape)
    _validate.check_class_weight("pos_weight", pos_weight, shape, class_axis)
    _validate.check_sample_weight(sample_weight, shape)
    x = logits.float() if logits.dtype.itemsize < 4 else logits
    w = in_range("pos_weight", 1 if pos_weight is None else pos_weight, like=x)
    v = 1 if sample_weight is None else sample_weight
    return BinaryInputs(
        x,
        in_range("labels", labels, like=x, high=1),
        along_class_axis(w, x.ndim, class_axis).expand(shape),
        in_range("sample_weight", v, like=x),
    )


def hyperparameter(
    name: str,
    value: Any,
    *,
    like: Tensor,
    high: float = float("inf"),
    closed: bool = True,
) -> Tensor:
    """Validates a scalar; a tensor out of range becomes NaN."""
    _validate.check_number(name, value, high=high, closed=closed)
    return in_range(name, value, like=like, high=high, closed=closed)


def in_range(
    name: str,
    value: Any,
    *,
    like: Tensor,
    high: float = float("inf"),
    closed: bool = True,
) -> Tensor:
    """Converts to the dtype of ``like``; values outside [0, high] become NaN."""
    if not isinstance(value, Tensor):
        value = torch.as_tensor(value, dtype=like.dtype, device=like.device)
    # A 0-d CPU tensor is a scalar everywhere, as in torch's own arithmetic.
    elif value.device != like.device and value.ndim > 0:
        raise ValueError(
            f"{name} must be on the device of logits, {like.device}, "
            f"got {value.device}."
        )
    array = value.to(device=like.device, dtype=like.dtype)
    bounded = closed and high < float("inf")
    inside = (array >= 0) & ((array <= high) if bounded else (array < high))
    # A product, so that the derivative with respect to a bad value is NaN as well.
    return array * torch.where(inside, torch.ones_like(array), torch.nan)
