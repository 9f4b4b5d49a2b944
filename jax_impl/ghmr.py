"""Gradient-harmonised regression."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._density import GHMState, harmonise, masked, reduce_weighted
from jax_impl._differentiable import differentiable
from jax_impl._inputs import computed, hyperparameter
from refimpl._validate import REDUCTIONS, check_choice, check_mask, check_pair


def ghmr_loss(
    predictions: ArrayLike,
    targets: ArrayLike,
    state: Any = None,
    *,
    mu: Any = 0.02,
    bins: int = 10,
    momentum: Any = 0.0,
    debias: bool = True,
    average_over: str = "nonempty",
    sample_mask: Any = None,
    reduce_counts: Callable[[Array], Array] | None = None,
    reduction: str = "mean",
) -> tuple[Any, GHMState]:
    """Computes :func:`refimpl.ghmr_loss`."""
    check_choice("reduction", reduction, REDUCTIONS)
    check_pair(predictions, targets, names=("predictions", "targets"))
    check_mask("sample_mask", sample_mask, jnp.shape(predictions))
    ahead = computed("predictions", predictions)
    behind = jnp.asarray(targets, dtype=ahead.dtype)
    d = masked(sample_mask, ahead) - masked(sample_mask, behind)
    width = hyperparameter("mu", mu, like=d, positive=True)
    harmony = harmonise(
        _norm,
        (width, d),
        state,
        bins=bins,
        momentum=momentum,
        debias=debias,
        average_over=average_over,
        sample_mask=sample_mask,
        reduce_counts=reduce_counts,
    )
    return reduce_weighted(harmony, _smooth_abs(d, width), reduction), harmony.state


def _norm(width: Array, d: Array) -> Array:
    return jnp.abs(_slope(d, width))


def _ratio(d: Array, size: Array) -> Array:
    """Returns |d| / size, where both may be infinite."""
    return jnp.where(jnp.isinf(d), 1, jnp.abs(d) / jnp.where(jnp.isinf(d), 1, size))


def _slope_value(d: Array, width: Array) -> Array:
    return jnp.sign(d) * _ratio(d, jnp.hypot(d, width))


def _value(d: Array, width: Array) -> Array:
    return jnp.abs(d) * _ratio(d, jnp.hypot(d, width) + width)


def _complement(d: Array, width: Array) -> Array:
    """Returns width / hypot(d, width), the cosine to the slope's sine."""
    return width / jnp.hypot(d, width)


_slope = differentiable(
    _slope_value,
    (
        lambda d, width: _complement(d, width) ** 3 / width,
        lambda d, width: -_slope(d, width) * _complement(d, width) ** 2 / width,
    ),
)


def _d_width(d: Array, width: Array) -> Array:
    size = jnp.hypot(d, width)
    return -_ratio(d, size) * _ratio(d, size + width)


_smooth_abs = differentiable(_value, (_slope, _d_width))
