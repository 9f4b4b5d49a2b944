"""Density of gradient norms: what GHM weighs examples by."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from jax_impl._blocks import in_memory
from jax_impl._histogram import count
from jax_impl._inputs import hyperparameter, in_range
from jax_impl._reduce import reduce
from jax_impl._stable import product
from refimpl._validate import check_density, check_state


class GHMState(NamedTuple):
    """Moving average of the bin counts; see :class:`refimpl.GHMState`."""

    counts: Array
    updates: Array


class Harmony(NamedTuple):
    """What the examples of one call weigh, and how many count."""

    weight: Array
    kept: Array
    state: GHMState


def harmonise(
    norm: Callable[..., Array],
    args: tuple[Array, ...],
    state: Any,
    *,
    bins: int,
    momentum: Any,
    debias: bool,
    average_over: str,
    sample_mask: Any,
    reduce_counts: Callable[[Array], Array] | None,
) -> Harmony:
    """Weighs each element by the inverse density of its gradient norm in [0, 1]."""
    check_density(bins, debias, average_over, reduce_counts)
    check_state(state, bins)
    x = args[-1]
    momentum = hyperparameter("momentum", momentum, like=x, high=1, closed=False)
    if state is None:
        state = jnp.zeros(bins, x.dtype), jnp.zeros(bins, jnp.int32)
    args, momentum, old_counts = jax.lax.stop_gradient(
        (args, momentum, in_range(state[0], like=x))
    )
    index, counts = _binned(args, sample_mask, norm=norm, bins=bins)
    kept = counts.sum()
    if reduce_counts is not None:
        counts = reduce_counts(counts)
    options = {"bins": bins, "debias": debias, "average_over": average_over}
    old = GHMState(old_counts, jnp.asarray(state[1]))
    per_bin, new = _updated(old, counts, momentum, **options)
    return Harmony(_looked_up(per_bin, index), kept, new)


@partial(jax.jit, static_argnames=("norm", "bins"))
def _binned(
    args: tuple[Array, ...], asked: Any, *, norm: Callable[..., Array], bins: int
) -> tuple[Array, Array]:
    """Returns the bin of each element, and the count of each bin.

    What is bad is in the bin after the last, what is not asked for in the next.
    """

    def binned(*args: Array) -> Array:
        value = norm(*args)
        # The last bin is closed: a norm of 1 belongs to it.
        index = jnp.minimum(jnp.floor(value * bins), bins - 1)
        index = jnp.where(jnp.isnan(value), bins, index)
        return index.astype(jnp.int8 if bins + 1 < 128 else jnp.int32)

    index = in_memory(binned, *args)
    if asked is not None:
        index = jnp.where(asked, index, jnp.asarray(bins + 1, index.dtype))
    return index, count(index, bins)


@partial(jax.jit, static_argnames=("bins", "debias", "average_over"))
def _updated(
    old: GHMState,
    counts: Array,
    momentum: Array,
    *,
    bins: int,
    debias: bool,
    average_over: str,
) -> tuple[Array, GHMState]:
    """Returns the weight of each bin and the new state."""
    filled = counts > 0
    average = momentum * old.counts + (1 - momentum) * counts
    new = GHMState(jnp.where(filled, average, old.counts), old.updates + filled)
    density = new.counts
    if debias:
        density = density / _share_seen(momentum, new.updates)
    density = jnp.where(old.updates < 0, jnp.nan, density)
    share = jnp.maximum(filled.sum(), 1) if average_over == "nonempty" else bins
    total = counts.sum()
    per_bin = jnp.where(filled, total / jnp.where(filled, density, 1) / share, 0)
    return per_bin, new


def _share_seen(momentum: Array, updates: Array) -> Array:
    # 1 - m^t without cancellation for m close to 1; a bin never seen divides by 1.
    share = -jnp.expm1(jnp.maximum(updates, 1) * jnp.log(momentum))
    return jnp.where(updates == 0, 1, share)


@jax.jit
def _looked_up(per_bin: Array, index: Array) -> Array:
    rest = jnp.asarray([jnp.nan, 0], per_bin.dtype)
    table = jnp.concatenate([per_bin, rest])
    return in_memory(lambda table, index: table[index.astype(jnp.int32)], table, index)


@jax.jit
def masked(sample_mask: Any, array: Array) -> Array:
    """Replaces what does not count by 0, whatever stands there."""
    return array if sample_mask is None else jnp.where(sample_mask, array, 0)


def reduce_weighted(harmony: Harmony, loss: Array, reduction: str) -> Any:
    """Weighs and reduces a loss; the mean is over the kept elements."""
    loss = product(harmony.weight, loss)
    return reduce(loss, harmony.kept, reduction)
