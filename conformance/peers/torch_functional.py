"""``torch.nn.functional``, under the names and arguments of ours."""

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor

from conformance.peers.claims import Claiming, axis_of, not_in_parts, on_torch


def binary_cross_entropy_with_logits(
    logits: Tensor,
    labels: Tensor,
    *,
    pos_weight: Tensor | None = None,
    sample_weight: Tensor | None = None,
    class_axis: int = -1,
    reduction: str = "mean",
) -> Tensor:
    """Calls PyTorch's function; weights per class are shaped to broadcast."""
    not_in_parts(reduction)
    if isinstance(pos_weight, Tensor) and pos_weight.ndim == 1:
        shape = [1] * logits.ndim
        shape[axis_of(logits, class_axis)] = -1
        pos_weight = pos_weight.reshape(shape)
    elif class_axis != -1:
        axis_of(logits, class_axis)
    if isinstance(pos_weight, float):
        # PyTorch knows no plain number here.
        pos_weight = torch.tensor(pos_weight, dtype=logits.dtype, device=logits.device)
    return F.binary_cross_entropy_with_logits(
        logits, labels, sample_weight, pos_weight=pos_weight, reduction=reduction
    )


def binary_cross_entropy(
    probs: Tensor,
    labels: Tensor,
    *,
    sample_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Calls PyTorch's function."""
    not_in_parts(reduction)
    return F.binary_cross_entropy(probs, labels, sample_weight, reduction=reduction)


def cross_entropy(
    logits: Tensor,
    labels: Tensor,
    *,
    class_weights: Tensor | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "weights",
    reduction: str = "mean",
) -> Tensor:
    """Calls PyTorch's function, whose classes lie along axis 1 (of one axis, 0).

    PyTorch has no choice of normalizer: by weights for indices, else by count.
    """
    not_in_parts(reduction)
    moved = axis_of(logits, class_axis)
    axis = min(logits.ndim - 1, 1)
    soft = isinstance(labels, Tensor) and labels.is_floating_point()
    if soft and labels.ndim == logits.ndim:
        labels = labels.movedim(moved, axis)
    divides = reduction == "mean" and class_weights is not None and not soft
    if normalizer != "weights" and (divides or normalizer != "count"):
        raise NotImplementedError("no argument 'normalizer'")
    return F.cross_entropy(
        logits.movedim(moved, axis),
        labels,
        class_weights,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


FUNCTIONS = {
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "binary_cross_entropy": binary_cross_entropy,
    "cross_entropy": cross_entropy,
}
# "Not differentiable with respect to argument 'weight'", and likewise.
LACKING = {
    "binary_cross_entropy_with_logits": ("grad_sample_weight", "grad_pos_weight"),
    "binary_cross_entropy": ("grad_sample_weight",),
    "cross_entropy": ("grad_class_weights",),
}


def make() -> Claiming:
    """Makes the adapter."""
    return on_torch(
        FUNCTIONS,
        name="torch.nn.functional",
        version=torch.__version__,
        lacking=LACKING,
    )
