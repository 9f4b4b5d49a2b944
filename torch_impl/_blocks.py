"""Work in blocks: eager torch would go to memory in every step of a formula."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from torch_impl._tracing import seen

# Elements per thread of what stays in the caches of a CPU core, with intermediates.
_PER_THREAD = 1 << 17

Index = tuple[slice, ...]


def fits(x: Tensor) -> bool:
    """Tells whether a tensor is best worked on in one piece."""
    return not seen(x) or x.numel() <= _size()


def _size() -> int:
    return _PER_THREAD * torch.get_num_threads()


def cut(args: tuple[Any, ...], *, rowwise: bool) -> Iterator[tuple[Index, list[Any]]]:
    """Yields blocks of tensors of one shape, and where they lie; constants pass.

    Tensors of rows, which lack the last axis of the first argument, are cut alike.
    """
    x = args[0]
    shape = x.shape[:-1] if rowwise else x.shape
    # A single row stays whole, however long.
    axis = max(range(len(shape)), key=shape.__getitem__, default=0)
    whole = shape[axis] if shape else 1
    step = max(1, _size() * whole // x.numel())
    if step >= whole:
        yield (), list(args)
        return
    for start in range(0, whole, step):
        index = (slice(None),) * axis + (slice(start, start + step),)
        yield index, [a[index] if isinstance(a, Tensor) else a for a in args]


def mapped(
    function: Callable[..., Tensor],
    args: tuple[Any, ...],
    *,
    like: Tensor,
    rowwise: bool,
) -> Tensor:
    """Applies a function of elements, or of rows; the result is like ``like``."""
    if fits(args[0]):
        return function(*args)
    out = torch.empty_like(like)
    for index, block in cut(args, rowwise=rowwise):
        out[index] = function(*block)
    return out
