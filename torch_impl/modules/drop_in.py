"""PyTorch's own modules, computed by our functions."""

from typing import Any

import torch
from torch import Tensor

from torch_impl.bce import binary_cross_entropy_with_logits
from torch_impl.cross_entropy import cross_entropy
from torch_impl.modules._options import Shown
from torch_impl.probability import binary_cross_entropy


class BCEWithLogitsLoss(Shown, torch.nn.BCEWithLogitsLoss):
    """PyTorch's module, computed by :func:`refimpl.binary_cross_entropy_with_logits`.

    ``weight`` may have any shape that broadcasts to the input. ``pos_weight`` holds one
    value, or one for each class along one axis: ``(C,)`` or, where axes follow that of
    the classes, ``(C, 1, 1)``.
    """

    shown = ("weight", "pos_weight", "reduction")

    def forward(self, input: Tensor, target: Tensor) -> Any:
        """Computes the loss of logits."""
        pos_weight, class_axis = _per_class(self.pos_weight, input)
        return binary_cross_entropy_with_logits(
            input,
            target,
            pos_weight=pos_weight,
            sample_weight=_expanded(self.weight, input),
            class_axis=class_axis,
            reduction=self.reduction,
        )


class BCELoss(Shown, torch.nn.BCELoss):
    """PyTorch's module, computed by :func:`refimpl.binary_cross_entropy`.

    Its gradient is the derivative of its value, where PyTorch divides by p (1 - p) or
    1e-12, whichever is larger.
    """

    shown = ("weight", "reduction")

    def forward(self, input: Tensor, target: Tensor) -> Any:
        """Computes the loss of probabilities."""
        weight = _expanded(self.weight, input)
        return binary_cross_entropy(
            input, target, sample_weight=weight, reduction=self.reduction
        )


class CrossEntropyLoss(Shown, torch.nn.CrossEntropyLoss):
    """PyTorch's module, computed by :func:`refimpl.cross_entropy`.

    Classes lie along axis 1, of a single axis along that. Targets are class indices or
    probabilities. The mean of either divides by the weights of the targets, so that
    one-hot probabilities give what indices give; PyTorch divides by N for
    probabilities, also where rows do not sum to 1.
    """

    shown = ("weight", "ignore_index", "label_smoothing", "reduction")

    def forward(self, input: Tensor, target: Tensor) -> Any:
        """Computes the loss of logits."""
        return cross_entropy(
            input,
            target,
            class_weights=self.weight,
            label_smoothing=self.label_smoothing,
            ignore_index=self.ignore_index,
            class_axis=min(input.ndim - 1, 1),
            reduction=self.reduction,
        )


def _expanded(weight: Tensor | None, like: Tensor) -> Tensor | None:
    """Broadcasts an element weight, but never the loss to a larger weight."""
    if weight is None:
        return None
    shape, wanted = tuple(weight.shape), tuple(like.shape)
    ahead = len(wanted) - len(shape)
    fits = ahead >= 0 and all(
        size in (1, full) for size, full in zip(shape, wanted[ahead:], strict=True)
    )
    if not fits:
        raise ValueError(f"weight must broadcast to {wanted}, got shape {shape}.")
    return weight.expand(wanted)


def _per_class(pos_weight: Tensor | None, like: Tensor) -> tuple[Tensor | None, int]:
    """Finds the axis along which a positive weight of PyTorch's shape varies."""
    if pos_weight is None:
        return None, -1
    if pos_weight.numel() == 1:
        return pos_weight.reshape(()), -1
    shape, wanted = tuple(pos_weight.shape), tuple(like.shape)
    axes = [i - len(shape) for i, size in enumerate(shape) if size != 1]
    if len(axes) != 1 or len(shape) > len(wanted) or shape[axes[0]] != wanted[axes[0]]:
        raise ValueError(
            "pos_weight must hold one value, or one for each class along one axis of "
            f"the input of shape {wanted}, got shape {shape}."
        )
    return pos_weight.flatten(), axes[0]
