"""The losses as modules: PyTorch's own where it has them, and ours.

``BCELoss``, ``BCEWithLogitsLoss`` and ``CrossEntropyLoss`` are PyTorch's classes with
another ``forward``, so a training script changes its import and nothing else. They
agree with PyTorch up to rounding, except where the specification departs from it.

Weights and state are buffers. What belongs to an example, a weight or a mask, is an
argument of the call.
"""

from torch_impl.modules.drop_in import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss
from torch_impl.modules.focal import (
    AdaptiveBCEWithLogitsLoss,
    HeatmapFocalLoss,
    SigmoidFocalLoss,
    SoftmaxFocalLoss,
)
from torch_impl.modules.ghm import GHMCLoss, GHMRLoss

__all__ = [
    "AdaptiveBCEWithLogitsLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "GHMCLoss",
    "GHMRLoss",
    "HeatmapFocalLoss",
    "SigmoidFocalLoss",
    "SoftmaxFocalLoss",
]
