"""A library whose losses are ours, with a deviation that tests choose."""

import torch_impl
from conformance.peers.claims import on_torch

LISTED, WORSE, REPAIRED = "listed", "worse", "repaired"
variant = [LISTED]


def binary_cross_entropy(probs, labels, *, sample_weight=None, reduction="mean"):
    if variant[0] != REPAIRED and hasattr(labels, "detach"):
        labels = labels.detach()
    loss = torch_impl.binary_cross_entropy(
        probs, labels, sample_weight=sample_weight, reduction=reduction
    )
    return loss * 1.01 if variant[0] == WORSE else loss


def make():
    return on_torch(
        {"binary_cross_entropy": binary_cross_entropy}, name="planted", version="1.5"
    )
