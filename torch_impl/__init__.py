"""PyTorch implementation: the losses of ``refimpl`` on tensors."""

from torch_impl._density import GHMState
from torch_impl.adaptive import adaptive_bce_with_logits
from torch_impl.bce import binary_cross_entropy_with_logits
from torch_impl.cross_entropy import cross_entropy
from torch_impl.focal import sigmoid_focal_loss
from torch_impl.ghmc import ghmc_loss
from torch_impl.ghmr import ghmr_loss
from torch_impl.heatmap import heatmap_focal_loss
from torch_impl.mining import hard_example_mining
from torch_impl.modules import (
    AdaptiveBCEWithLogitsLoss,
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    GHMCLoss,
    GHMRLoss,
    HeatmapFocalLoss,
    SigmoidFocalLoss,
    SoftmaxFocalLoss,
)
from torch_impl.probability import binary_cross_entropy
from torch_impl.softmax_focal import softmax_focal_loss

__all__ = [
    "AdaptiveBCEWithLogitsLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "GHMCLoss",
    "GHMRLoss",
    "GHMState",
    "HeatmapFocalLoss",
    "SigmoidFocalLoss",
    "SoftmaxFocalLoss",
    "adaptive_bce_with_logits",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "ghmc_loss",
    "ghmr_loss",
    "hard_example_mining",
    "heatmap_focal_loss",
    "sigmoid_focal_loss",
    "softmax_focal_loss",
]
