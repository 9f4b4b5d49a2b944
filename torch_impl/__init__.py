"""PyTorch implementation: the losses of ``refimpl`` on tensors."""

from torch_impl.adaptive import adaptive_bce_with_logits
from torch_impl.bce import binary_cross_entropy_with_logits
from torch_impl.focal import sigmoid_focal_loss

__all__ = [
    "adaptive_bce_with_logits",
    "binary_cross_entropy_with_logits",
    "sigmoid_focal_loss",
]
