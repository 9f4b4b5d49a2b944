"""Density of gradient norms: what GHM weighs examples by."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from refimpl._validate import check_density, check_state
from torch_impl._blocks import mapped
from torch_impl._inputs import beside, hyperparameter, in_range, scalar
from torch_impl._limits import replace_nan_
from torch_impl._stable import one_minus_exp
from torch_impl._tracing import seen

# Up to here, comparing with each bin is faster than adding to bins one by one.
_FEW = 64


class GHMState(NamedTuple):
    """Moving average of the bin counts; see :class:`refimpl.GHMState`."""

    counts: Tensor
    updates: Tensor


class Harmony(NamedTuple):
    """What the examples of one call weigh; see ``refimpl._density``.

    Attributes:
        weight: Of each element.
        kept: How many count.
        state: The new state.
    """

    weight: Tensor
    kept: Tensor
    state: GHMState


def harmonise(
    norm: Callable[..., Tensor],
    args: tuple[Tensor, ...],
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
    x = args[0]
    momentum = hyperparameter("momentum", momentum, like=x, high=1, closed=False)
    momentum = scalar(momentum, like=x).detach()
    if state is None:
        state = x.new_zeros(bins), x.new_zeros(bins, dtype=torch.int64)
    old_counts = in_range("state counts", state[0], like=x).detach()
    old = GHMState(old_counts, beside("state updates", state[1], like=x))
    with torch.no_grad():
        index = _binned(norm, args, bins, sample_mask)
        counts = kept = _counted(index, bins)
        if reduce_counts is not None:
            counts = reduce_counts(counts)
        options = {"debias": debias, "average_over": average_over}
        per_bin, new = _updated(old, counts, momentum, **options)
        # Two bins more: what is bad weighs NaN, what was not asked for 0.
        table = torch.cat([per_bin, x.new_full((1,), torch.nan), x.new_zeros(1)])
        return Harmony(_looked_up(table, index), kept.sum(), new)


def _binned(
    norm: Callable[..., Tensor], args: tuple[Tensor, ...], bins: int, asked: Any
) -> Tensor:
    """Returns the bin of each element, ``bins`` for NaN, one more if not asked for."""
    kind = torch.uint8 if bins + 1 < 256 and seen(args[0]) else torch.int32

    def binned(*args: Tensor) -> Tensor:
        # The last bin is closed: a norm of 1 belongs to it.
        position = (norm(*args) * bins).clamp(max=bins - 1)
        return replace_nan_(position, float(bins)).to(kind)

    like = torch.empty_like(args[0], dtype=kind)
    index = mapped(binned, args, like=like, rowwise=False)
    if asked is None:
        return index
    return torch.where(beside("sample_mask", asked, like=args[0]), index, bins + 1)


def _counted(index: Tensor, bins: int) -> Tensor:
    """Returns how many elements are in each bin."""
    if seen(index):
        return torch.bincount(index.flatten(), minlength=bins)[:bins]
    if bins <= _FEW:
        return torch.stack([(index == each).sum() for each in range(bins)])
    counts = index.new_zeros(bins + 2, dtype=torch.int64)
    ones = torch.ones_like(index, dtype=torch.int64)
    return counts.index_add(0, index.flatten().long(), ones.flatten())[:bins]


def _looked_up(table: Tensor, index: Tensor) -> Tensor:
    """Returns the entry of the table for each element."""

    def look_up(index: Tensor) -> Tensor:
        return table[index.long()]

    like = torch.empty_like(index, dtype=table.dtype)
    return mapped(look_up, (index,), like=like, rowwise=False)


def _updated(
    old: GHMState, counts: Tensor, momentum: Tensor, *, debias: bool, average_over: str
) -> tuple[Tensor, GHMState]:
    """Returns the weight of each bin and the new state."""
    filled = counts > 0
    average = momentum * old.counts + (1 - momentum) * counts
    new = GHMState(torch.where(filled, average, old.counts), old.updates + filled)
    density = new.counts
    if debias:
        density = density / _share_seen(momentum, new.updates)
    density = torch.where(old.updates < 0, torch.nan, density)
    nonempty = average_over == "nonempty"
    share = filled.sum().clamp(min=1) if nonempty else counts.shape[0]
    total = counts.sum()
    return torch.where(filled, total / torch.where(filled, density, 1) / share, 0), new


def _share_seen(momentum: Tensor, updates: Tensor) -> Tensor:
    # 1 - m^t without cancellation for m close to 1; a bin never seen divides by 1.
    share = one_minus_exp(-updates.clamp(min=1) * torch.log(momentum))
    return torch.where(updates == 0, 1, share)


def masked(sample_mask: Any, array: Tensor) -> Tensor:
    """Replaces what does not count by 0, whatever stands there."""
    if sample_mask is None:
        return array
    return torch.where(beside("sample_mask", sample_mask, like=array), array, 0)
