"""Reference implementation: the exact mathematics in NumPy float64."""

from refimpl.adaptive import adaptive_bce_with_logits, adaptive_bce_with_logits_grad
from refimpl.bce import (
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_grad,
)
from refimpl.focal import sigmoid_focal_loss, sigmoid_focal_loss_grad

__all__ = [
    "adaptive_bce_with_logits",
    "adaptive_bce_with_logits_grad",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_grad",
    "sigmoid_focal_loss",
    "sigmoid_focal_loss_grad",
]
