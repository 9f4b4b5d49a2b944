"""Models that the training recipes use."""

from torch_impl.models.mlp import MLP

__all__ = ["MLP"]
