"""PyTorch's own losses, under the names and arguments of ours."""

import importlib.util
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor

from conformance.adapters import from_functions


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
    if pos_weight is not None and pos_weight.ndim:
        shape = [1] * logits.ndim
        shape[class_axis] = -1
        pos_weight = pos_weight.reshape(shape)
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
    """Calls PyTorch's function, whose classes lie along axis 1 (of one axis, 0)."""
    del normalizer  # PyTorch has no choice: by weights for indices, else by count
    axis = min(logits.ndim - 1, 1)
    if labels.is_floating_point():
        labels = labels.movedim(class_axis, axis)
    return F.cross_entropy(
        logits.movedim(class_axis, axis),
        labels,
        class_weights,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


def sigmoid_focal_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    alpha: float | None = None,
    gamma: float = 2.0,
    reduction: str = "mean",
) -> Tensor:
    """Computes what torchvision computes, by its own function where it is installed."""
    if importlib.util.find_spec("torchvision") is not None:
        focal = importlib.import_module("torchvision.ops").sigmoid_focal_loss
        off = -1 if alpha is None else alpha
        return focal(logits, labels, alpha=off, gamma=gamma, reduction=reduction)
    p = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    p_t = p * labels + (1 - p) * (1 - labels)
    loss: Any = entropy * (1 - p_t) ** gamma
    if alpha is not None:
        loss = (alpha * labels + (1 - alpha) * (1 - labels)) * loss
    return {"none": lambda: loss, "sum": loss.sum, "mean": loss.mean}[reduction]()


FUNCTIONS = {
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "binary_cross_entropy": binary_cross_entropy,
    "cross_entropy": cross_entropy,
    "sigmoid_focal_loss": sigmoid_focal_loss,
}

adapter = from_functions(
    FUNCTIONS, framework="torch", name="PyTorch", version=torch.__version__
)
