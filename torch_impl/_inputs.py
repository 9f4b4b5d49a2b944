"""Checks and conversions at the door of every loss; see ``refimpl._inputs``."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from refimpl import _validate
from torch_impl._reduce import along_class_axis


class BinaryInputs(NamedTuple):
    """Arguments of a binary loss, tensors in the dtype and shape of computation.

    Attributes:
        logits: Scores.
        labels: Not checked yet; see ``_sides``.
        pos_weight: A number, or one value per element; None is off.
        sample_weight: One value per element; None is off.
    """

    logits: Tensor
    labels: Tensor
    pos_weight: Any
    sample_weight: Tensor | None


def binary_inputs(
    logits: Tensor,
    labels: Tensor,
    *,
    pos_weight: Any = None,
    sample_weight: Any = None,
    class_axis: int = -1,
) -> BinaryInputs:
    """Validates and converts; a bad weight becomes NaN."""
    _validate.check_pair(logits, labels)
    shape = tuple(logits.shape)
    _validate.check_class_weight("pos_weight", pos_weight, shape, class_axis)
    _validate.check_sample_weight(sample_weight, shape)
    x = computed("logits", logits)
    w, v = pos_weight, sample_weight
    if w is not None:
        w = in_range("pos_weight", w, like=x)
        if isinstance(w, Tensor):
            w = along_class_axis(w, x.ndim, class_axis).expand(shape)
    if v is not None:
        v = in_range("sample_weight", v, like=x)
    return BinaryInputs(x, beside("labels", labels, like=x).to(x.dtype), w, v)


def each(value: Any, *, like: Tensor) -> Any:
    """Gives a 0-d tensor the shape of ``like``; a number stays a number."""
    return value.expand(like.shape) if isinstance(value, Tensor) else value


def computed(name: str, scores: Tensor) -> Tensor:
    """Returns the scores in the dtype of computation, float32 at least."""
    if not isinstance(scores, Tensor):
        raise TypeError(f"{name} must be a tensor, got {type(scores).__name__}.")
    return scores.float() if scores.dtype.itemsize < 4 else scores


def hyperparameter(name: str, value: Any, *, like: Tensor, **bounds: Any) -> Any:
    """Validates a scalar within the bounds; a tensor out of range becomes NaN."""
    _validate.check_number(name, value, **bounds)
    return in_range(name, value, like=like, **bounds)


def scalar(value: Any, *, like: Tensor) -> Tensor:
    """Makes a 0-d tensor of a number."""
    return value if isinstance(value, Tensor) else like.new_full((), value)


def in_range(
    name: str,
    value: Any,
    *,
    like: Tensor,
    high: float = float("inf"),
    closed: bool = True,
    positive: bool = False,
) -> Any:
    """Converts to the dtype of ``like``; values outside [0, high] become NaN.

    The upper end is open unless ``closed``, the lower one if ``positive``. Python
    numbers are validated already, and stay numbers.
    """
    if _validate.is_number(value):
        return float(value)
    array = beside(name, value, like=like).to(like.dtype)
    bounded = closed and high < float("inf")
    below = array > 0 if positive else array >= 0
    inside = below & ((array <= high) if bounded else (array < high))
    # A product, so that the derivative with respect to a bad value is NaN as well.
    return array * torch.where(inside, torch.ones_like(array), torch.nan)


def beside(name: str, value: Any, *, like: Tensor) -> Tensor:
    """Converts to a tensor on the device of ``like``."""
    if not isinstance(value, Tensor):
        return torch.as_tensor(value, device=like.device)
    # A 0-d CPU tensor is a scalar everywhere, as in torch's own arithmetic.
    if value.device != like.device and value.ndim > 0:
        raise ValueError(
            f"{name} must be on the device of logits, {like.device}, "
            f"got {value.device}."
        )
    return value.to(like.device)


class ClassInputs(NamedTuple):
    """Arguments of a loss on classes; see :class:`refimpl._inputs.ClassInputs`.

    Attributes:
        logits: Scores, the class axis last.
        labels: Probability of each class; NaN for a bad one.
        class_weights: One value per class; all NaN if one is bad.
        sample_weight: One value per example; None is off.
        kept: Whether an example counts.
        normalizer: What ``"mean"`` divides by.
    """

    logits: Tensor
    labels: Tensor
    class_weights: Tensor
    sample_weight: Tensor | None
    kept: Tensor
    normalizer: Tensor


def class_inputs(
    logits: Tensor,
    labels: Tensor,
    *,
    class_weights: Any,
    sample_weight: Any = None,
    ignore_index: int,
    class_axis: int,
    normalizer: str,
) -> ClassInputs:
    """Validates and converts; a weight that is off becomes 1, a bad value NaN."""
    _validate.check_choice("normalizer", normalizer, _validate.NORMALIZERS)
    _validate.check_integer("ignore_index", ignore_index)
    by_index = _validate.check_classes(logits, labels, class_axis)
    x = computed("logits", logits).movedim(class_axis, -1)
    _validate.check_class_weights(class_weights, x.shape[-1])
    _validate.check_sample_weight(sample_weight, tuple(x.shape[:-1]))
    labels = beside("labels", labels, like=x)
    if by_index:
        y, kept = _one_hot(labels, x, ignore_index)
    else:
        y = in_range("labels", labels.movedim(class_axis, -1), like=x, high=1)
        kept = torch.ones_like(x[..., 0], dtype=torch.bool)
    w = x.new_ones(x.shape[-1])
    if class_weights is not None:
        w = in_range("class_weights", class_weights, like=x)
        w = w * torch.where(w.isnan().any(), torch.nan, torch.ones_like(w))
    v = sample_weight
    if v is not None:
        v = beside("sample_weight", v, like=x).where(kept, 1)
        v = in_range("sample_weight", v, like=x)
    divisor = (y * w).sum() if normalizer == "weights" else kept.sum()
    x = torch.where(kept.unsqueeze(-1), x, 0)
    return ClassInputs(x, y, w, v, kept, divisor)


def _one_hot(labels: Tensor, x: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Returns labels as probabilities, 0 where ignored, and which are kept."""
    classes = torch.arange(x.shape[-1], device=x.device)
    # In a narrow type the ignored index would wrap; what wraps here is not ignored.
    unsigned, labels = not labels.dtype.is_signed, labels.long()
    kept = (labels != ignore_index) | ((labels < 0) & unsigned)
    valid = (labels >= 0) & (labels < x.shape[-1])
    share = torch.where(kept, torch.where(valid, 1.0, torch.nan), 0.0).to(x.dtype)
    return (classes == labels.unsqueeze(-1)) * share.unsqueeze(-1), kept
