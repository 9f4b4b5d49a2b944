"""``torchvision.ops``, under the names and arguments of ours."""

import importlib
import importlib.metadata

from torch import Tensor

from conformance.peers.claims import Claiming, not_in_parts, on_torch


def sigmoid_focal_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    alpha: float | None = None,
    gamma: float = 2.0,
    reduction: str = "none",
) -> Tensor:
    """Calls torchvision's function; no ``alpha`` is its -1."""
    not_in_parts(reduction)
    # By name, since no build of it is published for every machine.
    focal = importlib.import_module("torchvision.ops").sigmoid_focal_loss
    off = -1 if alpha is None else alpha
    return focal(logits, labels, alpha=off, gamma=gamma, reduction=reduction)


FUNCTIONS = {"sigmoid_focal_loss": sigmoid_focal_loss}


def make() -> Claiming:
    """Makes the adapter."""
    version = importlib.metadata.version("torchvision")
    return on_torch(FUNCTIONS, name="torchvision", version=version)
