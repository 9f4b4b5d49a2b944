"""Density of gradient norms: what GHM weighs examples by."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from refimpl._validate import check_density, check_state
from torch_impl._inputs import beside, hyperparameter, in_range
from torch_impl._reduce import reduce
from torch_impl._stable import one_minus_exp, product


class GHMState(NamedTuple):
    """Moving average of the bin counts; see :class:`refimpl.GHMState`."""

    counts: Tensor
    updates: Tensor


class Harmony(NamedTuple):
    """What the examples of one call weigh; see ``refimpl._density``."""

    weight: Tensor
    kept: Tensor
    state: GHMState


def harmonise(
    norm: Tensor,
    state: Any,
    *,
    bins: int,
    momentum: Any,
    debias: bool,
    average_over: str,
    sample_mask: Any,
    reduce_counts: Callable[[Tensor], Tensor] | None,
) -> Harmony:
    """Weighs each element by the inverse density of its gradient norm in [0, 1]."""
    check_density(bins, debias, average_over, reduce_counts)
    check_state(state, bins)
    momentum = hyperparameter("momentum", momentum, like=norm, high=1, closed=False)
    momentum = momentum.detach()
    if state is None:
        state = norm.new_zeros(bins), norm.new_zeros(bins, dtype=torch.int64)
    old_counts = in_range("state counts", state[0], like=norm).detach()
    old_updates = beside("state updates", state[1], like=norm)
    asked = torch.ones_like(norm, dtype=torch.bool)
    if sample_mask is not None:
        asked = beside("sample_mask", sample_mask, like=norm)
    kept = asked & ~norm.isnan()
    # The last bin is closed: a norm of 1 belongs to it.
    index = (torch.where(kept, norm, 0) * bins).floor().clamp(max=bins - 1).long()
    counts = old_updates.new_zeros(bins, dtype=torch.int64)
    counts = counts.index_add(0, index.flatten(), kept.flatten().long())
    if reduce_counts is not None:
        counts = reduce_counts(counts)
    filled = counts > 0
    average = momentum * old_counts + (1 - momentum) * counts
    new = GHMState(torch.where(filled, average, old_counts), old_updates + filled)
    density = new.counts
    if debias:
        density = density / _share_seen(momentum, new.updates)
    density = torch.where(old_updates < 0, torch.nan, density)
    share = filled.sum().clamp(min=1) if average_over == "nonempty" else bins
    total = counts.sum()
    per_bin = torch.where(filled, total / torch.where(filled, density, 1) / share, 0)
    weight = torch.where(kept, per_bin[index], torch.where(asked, torch.nan, 0.0))
    return Harmony(weight, kept, new)


def _share_seen(momentum: Tensor, updates: Tensor) -> Tensor:
    # 1 - m^t without cancellation for m close to 1; a bin never seen divides by 1.
    share = one_minus_exp(-updates.clamp(min=1) * torch.log(momentum))
    return torch.where(updates == 0, 1, share)


def masked(sample_mask: Any, array: Tensor) -> Tensor:
    """Replaces what does not count by 0, whatever stands there."""
    if sample_mask is None:
        return array
    return torch.where(beside("sample_mask", sample_mask, like=array), array, 0)


def reduce_weighted(harmony: Harmony, loss: Tensor, reduction: str) -> Any:
    """Weighs and reduces a loss; the mean is over the kept elements."""
    loss = product(harmony.weight, loss)
    return reduce(loss, harmony.kept.sum(), reduction)
