"""JAX implementation: the losses of ``refimpl``, ready for ``jax.jit``."""

from jax_impl.adaptive import adaptive_bce_with_logits
from jax_impl.bce import binary_cross_entropy_with_logits
from jax_impl.focal import sigmoid_focal_loss

__all__ = [
    "adaptive_bce_with_logits",
    "binary_cross_entropy_with_logits",
    "sigmoid_focal_loss",
]
