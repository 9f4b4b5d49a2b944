"""JAX implementation: the losses of ``refimpl``, ready for ``jax.jit``.

Losses with a state are Flax modules too, in ``jax_impl.modules``.
"""

from jax_impl._density import GHMState
from jax_impl.adaptive import adaptive_bce_with_logits
from jax_impl.bce import binary_cross_entropy_with_logits
from jax_impl.cross_entropy import cross_entropy
from jax_impl.focal import sigmoid_focal_loss
from jax_impl.ghmc import ghmc_loss
from jax_impl.ghmr import ghmr_loss
from jax_impl.heatmap import heatmap_focal_loss
from jax_impl.mining import hard_example_mining
from jax_impl.probability import binary_cross_entropy
from jax_impl.softmax_focal import softmax_focal_loss

__all__ = [
    "GHMState",
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
