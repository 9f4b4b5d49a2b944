"""Penalty-reduced focal loss on heat maps of key points."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._inputs import computed, hyperparameter, in_range
from jax_impl._reduce import reduce
from jax_impl._stable import product
from jax_impl.focal import alphas, focal
from refimpl._validate import REDUCTIONS, check_choice, check_mask, check_pair


def heatmap_focal_loss(
    logits: ArrayLike,
    heatmap: ArrayLike,
    *,
    alpha: Any = 2.0,
    beta: Any = 4.0,
    pos_mask: Any = None,
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.heatmap_focal_loss`.

    It is the sigmoid focal loss of the peaks, discounted around them.
    """
    check_choice("reduction", reduction, REDUCTIONS)
    check_pair(logits, heatmap, names=("logits", "heatmap"))
    x = computed("logits", logits)
    check_mask("pos_mask", pos_mask, x.shape)
    h = in_range(heatmap, like=x, high=1)
    peak = h == 1 if pos_mask is None else jnp.asarray(pos_mask)
    alpha = hyperparameter("alpha", alpha, like=x)
    beta = hyperparameter("beta", beta, like=x)
    loss, count = _loss(x, h, peak, alpha, beta)
    divisor = jnp.maximum(count, 1) if reduction == "mean" else count
    return reduce(loss, divisor, reduction)


@jax.jit
def _loss(
    x: Array, h: Array, peak: Array, alpha: Array, beta: Array
) -> tuple[Array, Array]:
    """Returns the unreduced loss and the number of peaks."""
    alpha, beta = (jnp.broadcast_to(a, x.shape) for a in (alpha, beta))
    weight = jnp.ones_like(x)
    loss = focal(x, peak.astype(x.dtype), weight, alpha, *alphas(None, x))
    # A peak is not discounted; its heat still has to be a number in range.
    discount = _discount(jnp.where(peak, 0 * h, h), beta)
    return product(discount, loss), jnp.sum(peak)


def _value(h: Array, beta: Array) -> Array:
    return jnp.exp(product(beta, jnp.log1p(-h)))


_discount = differentiable(
    _value,
    (
        lambda h, beta: -product(beta, _discount(h, beta - 1)),
        lambda h, beta: product(_discount(h, beta), jnp.log1p(-h)),
    ),
)
