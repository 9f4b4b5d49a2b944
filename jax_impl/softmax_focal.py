"""Focal loss over classes."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._inputs import BAD, IGNORED, class_inputs, weight_of
from jax_impl._power import exponent
from jax_impl._reduce import reduce
from jax_impl._softmax import margin
from jax_impl.focal import focal
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
    x, index, w, _, divisor = class_inputs(
        logits,
        labels,
        class_weights=class_weights,
        ignore_index=ignore_index,
        class_axis=class_axis,
        normalizer=normalizer,
    )
    gamma = exponent("gamma", gamma, like=x)
    return reduce(_loss(x, index, w, gamma), divisor, reduction)


@jax.jit
def _loss(x: Array, index: Array, w: Any, gamma: Any) -> Array:
    # Nothing flows back to what is ignored, and times its slope would still be NaN.
    x = jnp.where((index == IGNORED)[..., None], 0, x)
    m = margin(x, jnp.maximum(index, 0))
    weight = jnp.ones_like(m) if w is None else weight_of(index, w)
    weight = jnp.where(index == BAD, jnp.nan, weight)
    loss = focal(m, jnp.ones_like(m), weight, gamma, None, None)
    return jnp.where(index == IGNORED, 0, loss)
