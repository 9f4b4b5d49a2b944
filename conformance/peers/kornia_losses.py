"""kornia's losses, under the names and arguments of ours."""

from typing import Any

import torch
from torch import Tensor

from conformance.peers.claims import (
    Claiming,
    axis_of,
    classes_second,
    not_in_parts,
    on_torch,
)


def sigmoid_focal_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    alpha: float | None = None,
    gamma: float = 2.0,
    pos_weight: Any = None,
    class_axis: int = -1,
    reduction: str = "none",
) -> Tensor:
    """Calls ``binary_focal_loss_with_logits``, which wants classes along axis 1."""
    from kornia.losses import binary_focal_loss_with_logits

    not_in_parts(reduction)
    options: dict[str, Any] = {"alpha": alpha, "gamma": gamma, "reduction": reduction}
    if getattr(pos_weight, "ndim", 0) == 0 and class_axis == -1:
        # One class, of which every element is an example.
        if pos_weight is not None:
            options["pos_weight"] = torch.as_tensor(
                pos_weight, dtype=logits.dtype, device=logits.device
            ).reshape(1)
        loss = binary_focal_loss_with_logits(
            logits.unsqueeze(1), labels.unsqueeze(1), **options
        )
        return loss.squeeze(1) if reduction == "none" else loss
    axis = axis_of(logits, class_axis)
    if logits.ndim < 2:
        raise NotImplementedError("no classes without examples")
    loss = binary_focal_loss_with_logits(
        logits.movedim(axis, 1),
        labels.movedim(axis, 1),
        pos_weight=pos_weight,
        **options,
    )
    return loss.movedim(1, axis) if reduction == "none" else loss


def softmax_focal_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    gamma: float = 2.0,
    class_weights: Tensor | None = None,
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "count",
    reduction: str = "none",
) -> Tensor:
    """Calls ``focal_loss``; of its map of classes all but the labelled are 0."""
    from kornia.losses import focal_loss

    moved = classes_second(logits, class_axis, normalizer, reduction)
    loss = focal_loss(
        moved,
        labels,
        alpha=None,
        gamma=gamma,
        reduction=reduction,
        weight=class_weights,
        ignore_index=ignore_index,
    )
    return loss.sum(1) if reduction == "none" else loss


FUNCTIONS = {
    "sigmoid_focal_loss": sigmoid_focal_loss,
    "softmax_focal_loss": softmax_focal_loss,
}


def make() -> Claiming:
    """Makes the adapter."""
    import kornia

    return on_torch(FUNCTIONS, name="kornia", version=kornia.__version__)
