"""Checks and conversions at the door of every loss; see ``refimpl._inputs``."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from refimpl import _validate
from torch_impl._limits import LARGEST
from torch_impl._reduce import along_class_axis
from torch_impl._tracing import seen, transformed


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
        if value > LARGEST[like.dtype]:
            raise ValueError(f"{name} must be a number in {like.dtype}, got {value!r}.")
        return float(value)
    array = beside(name, value, like=like).to(like.dtype)
    bounded = closed and high < float("inf")
    found = ends(array)
    if found and (found[0] > 0 if positive else found[0] >= 0) and found[1] < high:
        return array
    below = array > 0 if positive else array >= 0
    inside = below & ((array <= high) if bounded else (array < high))
    # A product, so that the derivative with respect to a bad value is NaN as well.
    return array * torch.where(inside, torch.ones_like(array), torch.nan)


def ends(array: Tensor) -> tuple[float, float] | None:
    """Returns the least and the largest value, where looking costs next to nothing."""
    if not (seen(array) and array.numel()):
        return None
    least, largest = torch.aminmax(array.detach())
    return least.item(), largest.item()


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
        labels: Probability of each class, NaN for a bad one; or the index of the class,
            ``IGNORED`` or ``BAD``.
        class_weights: One value per class, all NaN if one is bad; None is off.
        sample_weight: One value per example; None is off.
        normalizer: What ``"mean"`` divides by.
    """

    logits: Tensor
    labels: Tensor
    class_weights: Tensor | None
    sample_weight: Tensor | None
    normalizer: Tensor | int


def picked(w: Tensor, index: Tensor) -> Tensor:
    """Returns the weight of each class index."""
    if not (transformed() or (torch.is_grad_enabled() and w.requires_grad)):
        return w[index]
    # Not w[index], whose gradient is added up one by one.
    own = torch.arange(w.shape[0], device=w.device) == index.unsqueeze(-1)
    return torch.where(own, w, 0).sum(dim=-1)


def blank(rows: Tensor, marked: Tensor) -> Tensor:
    """Replaces the rows that a column marks by 0."""
    # Eager torch on a CPU chooses one by one; most often there is nothing to replace.
    if seen(rows) and seen(marked) and not marked.any():
        return rows
    return torch.where(marked, 0, rows)


# What a label is that is no class.
IGNORED, BAD = -1, -2


def share(index: Tensor, *, like: Tensor) -> Tensor:
    """Returns 1 for the index of a class, 0 for an ignored one, NaN for a bad one."""
    return torch.where(index == BAD, torch.nan, (index != IGNORED).to(like.dtype))


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
    """Validates and converts; a bad value becomes NaN, a bad index ``BAD``."""
    _validate.check_choice("normalizer", normalizer, _validate.NORMALIZERS)
    _validate.check_integer("ignore_index", ignore_index)
    by_index = _validate.check_classes(logits, labels, class_axis)
    x = computed("logits", logits).movedim(class_axis, -1)
    _validate.check_class_weights(class_weights, x.shape[-1])
    _validate.check_sample_weight(sample_weight, tuple(x.shape[:-1]))
    labels, w, v = beside("labels", labels, like=x), class_weights, sample_weight
    if w is not None:
        w = in_range("class_weights", w, like=x)
        w = w * (1 + 0 * w.detach().amax())
    if by_index:
        y = _indices(labels, x.shape[-1], ignore_index)
        kept = y != IGNORED
        v = v if v is None else beside("sample_weight", v, like=x).where(kept, 1)
        own = None if w is None else picked(w, y.clamp(min=0)) * share(y, like=x)
    else:
        y = in_range("labels", labels.movedim(class_axis, -1), like=x, high=1)
        kept = x.new_ones(x.shape[:-1], dtype=torch.bool)
        own = y if w is None else y * w
    if v is not None:
        v = in_range("sample_weight", v, like=x)
    divisor = kept if own is None or normalizer == "count" else own
    return ClassInputs(x, y, w, v, divisor.sum())


def _indices(labels: Tensor, classes: int, ignore_index: int) -> Tensor:
    """Returns class indices with marks for what is no class."""
    # In a narrow type the ignored index would wrap; what wraps here is not ignored.
    unsigned, labels = not labels.dtype.is_signed, labels.long()
    found = ends(labels)
    ignoring = 0 <= ignore_index < classes
    if found and found[0] >= 0 and found[1] < classes and not ignoring:
        return labels
    ignored = (labels == ignore_index) & ~((labels < 0) & unsigned)
    valid = (labels >= 0) & (labels < classes)
    return torch.where(ignored, IGNORED, torch.where(valid, labels, BAD))
