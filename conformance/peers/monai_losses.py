"""MONAI's losses, under the names and arguments of ours."""

import importlib.metadata

from torch import Tensor

from conformance.peers.claims import Claiming, classes_second, not_in_parts, on_torch


def sigmoid_focal_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    alpha: float | None = None,
    gamma: float = 2.0,
    reduction: str = "mean",
) -> Tensor:
    """Calls ``FocalLoss``, which wants classes along axis 1; here there is one."""
    from monai.losses.focal_loss import FocalLoss

    not_in_parts(reduction)
    focal = FocalLoss(gamma=gamma, alpha=alpha, reduction=reduction)
    loss = focal(logits.unsqueeze(1), labels.unsqueeze(1))
    return loss.squeeze(1) if reduction == "none" else loss


def softmax_focal_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    gamma: float = 2.0,
    class_weights: Tensor | None = None,
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "count",
    reduction: str = "mean",
) -> Tensor:
    """Calls ``FocalLoss``; of its map of classes all but the labelled are 0."""
    from monai.losses.focal_loss import FocalLoss

    moved = classes_second(logits, class_axis, normalizer, reduction)
    focal = FocalLoss(
        to_onehot_y=True,
        use_softmax=True,
        gamma=gamma,
        weight=class_weights,
        ignore_index=ignore_index,
        reduction=reduction,
    )
    loss = focal(moved, labels.unsqueeze(1))
    return loss.sum(1) if reduction == "none" else loss


FUNCTIONS = {
    "sigmoid_focal_loss": sigmoid_focal_loss,
    "softmax_focal_loss": softmax_focal_loss,
}
# One class, and numbers that are refused elsewhere, are asked for on purpose.
QUIET = ("single channel prediction", "Casting complex values to real")


def make() -> Claiming:
    """Makes the adapter."""
    version = importlib.metadata.version("monai")
    return on_torch(FUNCTIONS, name="MONAI", version=version, quiet=QUIET)
