"""Density of gradient norms: what GHM weighs examples by."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refimpl import _validate
from refimpl._inputs import hyperparameter
from refimpl._reduce import reduce
from refimpl._stable import product


class GHMState(NamedTuple):
    """Moving average of the bin counts.

    Attributes:
        counts: Average of the counts of each bin, ``(bins,)``, not debiased.
        updates: How often each bin was updated, ``(bins,)`` integers.
    """

    counts: NDArray
    updates: NDArray


class Harmony(NamedTuple):
    """What the examples of one call weigh.

    Attributes:
        weight: Weight of each element; 0 where masked, NaN where its norm is NaN.
        kept: Whether an element counts.
        state: State after this call.
    """

    weight: NDArray
    kept: NDArray
    state: GHMState


def harmonise(
    norm: NDArray,
    state: Any,
    *,
    bins: int,
    momentum: Any,
    debias: bool,
    average_over: str,
    sample_mask: Any,
    reduce_counts: Callable[[NDArray], NDArray] | None,
) -> Harmony:
    """Weighs each element by the inverse density of its gradient norm in [0, 1]."""
    _validate.check_density(bins, debias, average_over, reduce_counts)
    _validate.check_state(state, bins)
    momentum = hyperparameter("momentum", momentum, high=1, closed=False)
    if state is None:
        state = GHMState(np.zeros(bins), np.zeros(bins, dtype=np.int64))
    old_counts, old_updates = (np.asarray(part) for part in state)
    _validate.check_range("state counts", old_counts)
    _validate.check_range("state updates", old_updates)
    asked = (
        np.ones(norm.shape, bool) if sample_mask is None else np.asarray(sample_mask)
    )
    kept = asked & ~np.isnan(norm)
    # The last bin is closed: a norm of 1 belongs to it.
    index = np.minimum(np.floor(np.where(kept, norm, 0) * bins), bins - 1).astype(int)
    counts = np.bincount(index[kept], minlength=bins)
    if reduce_counts is not None:
        counts = reduce_counts(counts)
    filled = counts > 0
    average = momentum * old_counts + (1 - momentum) * counts
    state = GHMState(np.where(filled, average, old_counts), old_updates + filled)
    density = (
        state.counts / _share_seen(momentum, state.updates) if debias else state.counts
    )
    share = np.sum(filled) if average_over == "nonempty" else bins
    total = np.sum(counts)
    per_bin = np.where(filled, total / np.where(filled, density, 1) / max(share, 1), 0)
    weight = np.where(kept, per_bin[index], np.where(asked, np.nan, 0))
    return Harmony(weight, kept, state)


def _share_seen(momentum: NDArray, updates: NDArray) -> NDArray:
    # 1 - m^t without cancellation for m close to 1; a bin never seen divides by 1.
    with np.errstate(divide="ignore"):  # m = 0: log 0 = -inf, and the share is 1
        share = -np.expm1(np.maximum(updates, 1) * np.log(momentum))
    return np.where(updates == 0, 1, share)


def masked(sample_mask: Any, array: Any) -> Any:
    """Replaces what does not count by 0, whatever stands there."""
    return array if sample_mask is None else np.where(sample_mask, array, 0)


def reduce_weighted(harmony: Harmony, loss: NDArray, reduction: str) -> Any:
    """Weighs and reduces a loss; the mean is over the kept elements."""
    loss = product(harmony.weight, loss)
    return reduce(loss, np.sum(harmony.kept), reduction)
