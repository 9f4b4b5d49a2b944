"""Focal loss over classes."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._inputs import class_inputs, hyperparameter
from jax_impl._reduce import reduce
from jax_impl._softmax import margin, top
from jax_impl.focal import alphas, focal
from refimpl._validate import REDUCTIONS, check_choice, check_indices


def softmax_focal_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    gamma: Any = 2.0,
    class_weights: Any = None,
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "count",
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.softmax_focal_loss`.

    It is the sigmoid focal loss of the margin, whose slope by the logits is a rule of
    its own: 1 at the label, minus the softmax of the others elsewhere.
    """
    check_choice("reduction", reduction, REDUCTIONS)
    check_indices(labels)
    x, y, w, _, kept, divisor = class_inputs(
        logits,
        labels,
        class_weights=class_weights,
        ignore_index=ignore_index,
        class_axis=class_axis,
        normalizer=normalizer,
    )
    gamma = hyperparameter("gamma", gamma, like=x)
    return reduce(_loss(x, y, w, kept, gamma), divisor, reduction)


@jax.jit
def _loss(x: Array, y: Array, w: Array, kept: Array, gamma: Array) -> Array:
    own = top(y)
    m = margin(x, own)
    # Not a product with the one-hot label, which would meet infinite slopes with 0.
    weight = jnp.sum(jnp.where(own, w * y, 0), axis=-1)
    gamma = jnp.broadcast_to(gamma, m.shape)
    loss = focal(m, jnp.ones_like(m), weight, gamma, *alphas(None, m))
    return jnp.where(kept, loss, 0)
