"""Planted faults of adaptive losses and of losses of probabilities, in PyTorch."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor

import torch_impl
from conformance.mutants.torch_reduce import reduce

adaptive, bcp = torch_impl.adaptive_bce_with_logits, torch_impl.binary_cross_entropy
bce = torch_impl.binary_cross_entropy_with_logits


def modulator_ignored(
    logits: Tensor, labels: Tensor, *, modulator: str = "probability", **options: Any
) -> Any:
    del modulator
    return adaptive(logits, labels, **options)


def whole_loss_weighted(
    logits: Tensor, labels: Tensor, *, pos_weight: Any, **options: Any
) -> Any:
    options, reduction = {**options, "reduction": "none"}, options["reduction"]
    loss = adaptive(logits, labels, pos_weight=1.0, **options)
    return reduce(pos_weight * loss, loss.numel(), reduction)


def modulator_detached(
    logits: Tensor,
    labels: Tensor,
    *,
    pos_weight: Any,
    gamma: Any = 2.0,
    modulator: str = "probability",
    reduction: str = "mean",
) -> Any:
    options: dict[str, Any] = {"pos_weight": pos_weight, "reduction": "none"}
    if modulator == "probability":
        return adaptive(
            logits, labels, **{**options, "gamma": gamma, "reduction": reduction}
        )
    loss = bce(logits, labels, **options)
    weight = (-torch.expm1(-loss.detach())) ** gamma
    return reduce(weight * loss, loss.numel(), reduction)


def epsilon_in_the_logarithm(
    probs: Tensor,
    labels: Tensor,
    *,
    sample_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Any:
    y = labels.to(probs.dtype)
    loss = -y * torch.log(probs + 1e-7) - (1 - y) * torch.log(1 - probs + 1e-7)
    loss = loss if sample_weight is None else loss * sample_weight
    return reduce(loss, loss.numel(), reduction)


def gradient_of_pytorch(
    probs: Tensor,
    labels: Tensor,
    *,
    sample_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Any:
    """PyTorch's own: divides by max(p (1 - p), 1e-12), also where it is clamped."""
    y = labels.to(probs.dtype)
    loss = F.binary_cross_entropy(probs, y, reduction="none")
    loss = loss if sample_weight is None else loss * sample_weight
    return reduce(loss, loss.numel(), reduction)


def labels_detached(probs: Tensor, labels: Tensor, **options: Any) -> Any:
    """The gradient of labels is half of what it is."""
    if labels.is_floating_point():
        labels = (labels + labels.detach()) / 2
    return bcp(probs, labels, **options)


def weights_in_the_mean(
    probs: Tensor,
    labels: Tensor,
    *,
    sample_weight: Tensor | None = None,
    reduction: str = "mean",
) -> Any:
    if reduction != "mean" or sample_weight is None:
        return bcp(probs, labels, sample_weight=sample_weight, reduction=reduction)
    total = bcp(probs, labels, sample_weight=sample_weight, reduction="sum")
    return total / sample_weight.sum()
