"""How many elements are in each bin, as integers."""

import jax
import jax.numpy as jnp
from jax import Array

# A row adds at most 32 to a counter, and five counters of six bits make an int32.
_ROW, _BITS, _PER_WORD = 32, 6, 5
# From here on one bin after the other costs more than counting element by element.
_MANY_BINS = 64
# Up to so many elements it matters only how many steps there are.
_FEW = 4096


def count(index: Array, bins: int) -> Array:
    """Counts the bins from 0 to ``bins - 1``; any other index is not counted."""
    index = index.reshape(-1)
    if index.size <= _FEW:
        return _by_comparison(index, bins)
    if bins > _MANY_BINS:
        return _one_by_one(index, bins)
    return jax.lax.platform_dependent(
        index,
        cpu=lambda index: _by_rows(index, bins),
        default=lambda index: _by_comparison(index, bins),
    )


def _by_comparison(index: Array, bins: int) -> Array:
    here = index[:, None] == jnp.arange(bins, dtype=index.dtype)
    return jnp.sum(here, axis=0, dtype=jnp.int32)


def _one_by_one(index: Array, bins: int) -> Array:
    # Negative ones would count from the end.
    index = jnp.where(index < 0, bins, index)
    return jnp.zeros(bins, jnp.int32).at[index].add(1, mode="drop")


def _by_rows(index: Array, bins: int) -> Array:
    whole = index.size // _ROW * _ROW
    rows = index[:whole].reshape(-1, _ROW).astype(jnp.int32)
    counts = []
    for first in range(0, bins, _PER_WORD):
        bin_ = rows - first
        inside = (bin_ >= 0) & (bin_ < _PER_WORD)
        words = jnp.sum(jnp.where(inside, 1 << (_BITS * bin_), 0), axis=-1)
        for position in range(_PER_WORD):
            counter = (words >> (_BITS * position)) & ((1 << _BITS) - 1)
            counts.append(jnp.sum(counter, dtype=jnp.int32))
    total = jnp.stack(counts[:bins])
    return total + _by_comparison(index[whole:], bins)
