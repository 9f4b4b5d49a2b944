"""Reference implementation: the exact mathematics in NumPy float64."""

from refimpl._density import GHMState
from refimpl.adaptive import adaptive_bce_with_logits, adaptive_bce_with_logits_grad
from refimpl.bce import (
    binary_cross_entropy_with_logits,
    binary_cross_entropy_with_logits_grad,
)
from refimpl.cross_entropy import cross_entropy, cross_entropy_grad
from refimpl.focal import sigmoid_focal_loss, sigmoid_focal_loss_grad
from refimpl.ghmc import ghmc_loss, ghmc_loss_grad
from refimpl.ghmr import ghmr_loss, ghmr_loss_grad
from refimpl.heatmap import heatmap_focal_loss, heatmap_focal_loss_grad
from refimpl.mining import hard_example_mining
from refimpl.probability import binary_cross_entropy, binary_cross_entropy_grad
from refimpl.softmax_focal import softmax_focal_loss, softmax_focal_loss_grad

__all__ = [
    "GHMState",
    "adaptive_bce_with_logits",
    "adaptive_bce_with_logits_grad",
    "binary_cross_entropy",
    "binary_cross_entropy_grad",
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy_with_logits_grad",
    "cross_entropy",
    "cross_entropy_grad",
    "ghmc_loss",
    "ghmc_loss_grad",
    "ghmr_loss",
    "ghmr_loss_grad",
    "hard_example_mining",
    "heatmap_focal_loss",
    "heatmap_focal_loss_grad",
    "sigmoid_focal_loss",
    "sigmoid_focal_loss_grad",
    "softmax_focal_loss",
    "softmax_focal_loss_grad",
]
