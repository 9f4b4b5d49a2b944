"""Gradient-harmonised classification."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl import bce
from jax_impl._density import GHMState, harmonise, masked, reduce_weighted
from jax_impl._inputs import binary_inputs
from jax_impl._stable import cosigmoid, sigmoid
from refimpl._validate import REDUCTIONS, check_choice, check_mask, check_pair


def ghmc_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    state: Any = None,
    *,
    bins: int = 10,
    momentum: Any = 0.0,
    debias: bool = True,
    average_over: str = "nonempty",
    sample_mask: Any = None,
    reduce_counts: Callable[[Array], Array] | None = None,
    reduction: str = "mean",
) -> tuple[Any, GHMState]:
    """Computes :func:`refimpl.ghmc_loss`."""
    check_choice("reduction", reduction, REDUCTIONS)
    check_pair(logits, labels)
    check_mask("sample_mask", sample_mask, jnp.shape(logits))
    x, y, _, _ = binary_inputs(logits, labels)
    x, y = masked(sample_mask, x), masked(sample_mask, y)
    harmony = harmonise(
        _norm,
        (x, y),
        state,
        bins=bins,
        momentum=momentum,
        debias=debias,
        average_over=average_over,
        sample_mask=sample_mask,
        reduce_counts=reduce_counts,
    )
    loss = bce.cross_entropy(x, y, None, None)
    return reduce_weighted(harmony, loss, reduction), harmony.state


def _norm(x: Array, y: Array) -> Array:
    p = sigmoid(x)
    # A hard label has the norm sigmoid(-margin), where 1 - sigmoid would round.
    hard = jnp.where(y == 1, cosigmoid(x), p)
    return jnp.where((y == 0) | (y == 1), hard, jnp.abs(p - y))
