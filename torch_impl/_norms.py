"""Norms of gradients and what is scaled by them; see ``torch_impl.gradients``."""

from collections import defaultdict
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from torch_impl._tracing import seen

# Entries of what is summed at once on a CPU, where intermediates stay in its cache.
_PIECE = 1 << 16


def fetched(values: dict[str, Tensor]) -> dict[str, Any]:
    """Brings 0-d tensors to the host as numbers, all at once."""
    if not values:
        return {}
    device = next(iter(values.values())).device
    stacked = torch.stack([value.detach().to(device) for value in values.values()])
    return dict(zip(values, stacked.tolist(), strict=True))


def norm_of(gradients: list[Tensor], stack_axes: int) -> Tensor:
    """Computes the norm over all of them, one for each model of a stack."""
    if not gradients:
        return torch.zeros((), dtype=torch.float32)
    device = gradients[0].device
    dtype = wide(*{gradient.dtype for gradient in gradients})
    rows = _joined([rows_of(gradient, stack_axes) for gradient in gradients])
    largest = reduce(
        torch.maximum, (largest_of(row).to(device, dtype) for row in rows)
    ).detach()
    unit = _power_of_two(largest)
    shrink = unit.reciprocal()
    squares = [_sum_of_squares(row, shrink.to(row.device)).to(device) for row in rows]
    return unit * sum(squares[1:], squares[0]).sqrt()


def wide(*dtypes: torch.dtype) -> torch.dtype:
    """Returns the dtype to compute in, float32 at least."""
    return reduce(torch.promote_types, dtypes, torch.float32)


def rows_of(gradient: Tensor, stack_axes: int) -> Tensor:
    """Lays out what belongs to each model of a stack along one axis."""
    return gradient.unsqueeze(-1).flatten(stack_axes)


def _joined(rows: list[Tensor]) -> list[Tensor]:
    """Lays what is small end to end: there a call costs more than its arithmetic."""
    joined, small = [], defaultdict(list)
    for row in rows:
        if row.shape[-1] > _PIECE:
            joined.append(row)
        else:
            small[row.device, row.dtype].append(row)
    return joined + [torch.cat(alike, -1) for alike in small.values()]


def _sum_of_squares(rows: Tensor, factor: Tensor) -> Tensor:
    factor = factor.unsqueeze(-1)
    if rows.shape[-1] <= _PIECE or not seen(rows):
        return (rows.to(factor.dtype) * factor).square().sum(-1)
    pieces = rows.split(_PIECE, -1)
    return torch.stack(
        [(piece.to(factor.dtype) * factor).square().sum(-1) for piece in pieces]
    ).sum(0)


def largest_of(rows: Tensor) -> Tensor:
    """Returns the largest absolute value of each row, exact in any dtype."""
    if not rows.shape[-1]:
        return rows.sum(-1)
    # Many times as fast as a norm of infinite order.
    return torch.maximum(rows.amax(-1), -rows.amin(-1))


def _power_of_two(largest: Tensor) -> Tensor:
    """Returns the power of two at or below, itself and its inverse normal numbers."""
    tiny = torch.finfo(largest.dtype).tiny
    top = largest.clamp(tiny, 1 / tiny)
    return top / (2 * torch.frexp(top).mantissa)


def maximum(one: Tensor, other: Tensor) -> Tensor:
    """Computes the larger, on the device of the first."""
    return torch.maximum(one, other.to(one.device))


def scale_of(norm: Tensor, max_norm: Any, eps: Any) -> Tensor:
    """Computes the factor of gradients of this norm."""
    # A zero norm without eps gives infinity, and then 1.
    return (max_norm / (norm + eps)).clamp(max=1)


def scaled(gradient: Tensor, scale: Tensor) -> Tensor:
    """Multiplies each model of a stack by its factor, in the dtype of the factor."""
    factor = scale.to(gradient.device)
    factor = factor.reshape(factor.shape + (1,) * (gradient.ndim - factor.ndim))
    return (gradient.to(factor.dtype) * factor).to(gradient.dtype)
