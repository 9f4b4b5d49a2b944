"""Models that the training recipes use."""

from jax_impl.models.mlp import MLP

__all__ = ["MLP"]
