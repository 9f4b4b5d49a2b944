"""The formula that torchvision publishes, in our own words.

It is what many projects have copied, and it runs where torchvision does not.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor

from conformance.peers.claims import Claiming, on_torch, reduced

# Of the release whose formula this is.
VERSION = "0.29"


def sigmoid_focal_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    alpha: float | None = None,
    gamma: float = 2.0,
    reduction: str = "none",
) -> Tensor:
    """Computes what torchvision computes; no ``alpha`` is its -1."""
    p = torch.sigmoid(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    p_t = p * labels + (1 - p) * (1 - labels)
    loss = entropy * (1 - p_t) ** gamma
    if alpha is not None:
        loss = (alpha * labels + (1 - alpha) * (1 - labels)) * loss
    return reduced(loss, reduction)


FUNCTIONS = {"sigmoid_focal_loss": sigmoid_focal_loss}


def make() -> Claiming:
    """Makes the adapter."""
    return on_torch(FUNCTIONS, name="torchvision's formula", version=VERSION)
