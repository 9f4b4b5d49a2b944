"""What is done to gradients between the loss and the optimiser; see there in refimpl.

A parameter stands for its gradient: ``module.named_parameters()`` is a collection of
gradients, ``None`` where backward has brought none.
"""

from collections import defaultdict
from collections.abc import Iterable
from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch._C._functorch import is_batchedtensor

from refimpl import _validate_gradients as _door
from refimpl._validate_gradients import OPTAX_CLIP_EPS, TORCH_CLIP_EPS
from torch_impl._tracing import seen

__all__ = [
    "OPTAX_CLIP_EPS",
    "TORCH_CLIP_EPS",
    "check_finite",
    "clip_by_global_norm",
    "clip_grad_norm_",
    "global_norm",
    "largest_gradients",
    "nonfinite",
]

# Entries of what is summed at once on a CPU, where intermediates stay in its cache.
_PIECE = 1 << 16


def global_norm(gradients: Any, *, stack_axes: int = 0) -> Tensor:
    """Computes :func:`refimpl.gradients.global_norm`."""
    named, _ = _taken_apart(gradients, stack_axes)
    return _norm(list(_present(named).values()), stack_axes)


def clip_by_global_norm(
    gradients: Any, max_norm: Any, *, eps: Any, stack_axes: int = 0
) -> tuple[Any, Tensor]:
    """Computes :func:`refimpl.gradients.clip_by_global_norm`."""
    _door.check_clipping(max_norm, eps)
    named, like = _taken_apart(gradients, stack_axes)
    norm = _norm(list(_present(named).values()), stack_axes)
    scale = _scale(norm, max_norm, eps)
    clipped = {
        name: None if gradient is None else _scaled(gradient, scale)
        for name, gradient in named.items()
    }
    return like(clipped), norm


@torch.no_grad()
def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    *,
    eps: float = TORCH_CLIP_EPS,
) -> Tensor:
    """Clips the gradients of parameters in place, like the one of ``torch.nn.utils``.

    Args:
        parameters: One or more tensors whose ``grad`` is scaled; without one a tensor
            is skipped.
        max_norm: As in :func:`refimpl.gradients.clip_by_global_norm`, like ``eps``.
        eps: Added to the norm.

    Returns:
        The norm before scaling.
    """
    _door.check_clipping(max_norm, eps)
    tensors = [parameters] if isinstance(parameters, Tensor) else parameters
    grads = [tensor.grad for tensor in tensors if tensor.grad is not None]
    norm = global_norm(grads)
    scale = _scale(norm, max_norm, eps)
    alike = defaultdict(list)
    for grad in grads:
        if grad.dtype == scale.dtype:
            alike[grad.device].append(grad)
        else:
            grad.copy_(_scaled(grad, scale))
    for device, own in alike.items():
        # Public in all but its name: the optimisers are made of them.
        torch._foreach_mul_(own, scale.to(device))  # pyright: ignore[reportPrivateImportUsage]
    return norm


def nonfinite(gradients: Any) -> dict[str, Tensor]:
    """Computes :func:`refimpl.gradients.nonfinite`, without waiting for the device."""
    named = _present(_taken_apart(gradients)[0])
    return {name: (~torch.isfinite(tensor)).sum() for name, tensor in named.items()}


def check_finite(gradients: Any) -> None:
    """Raises as :func:`refimpl.gradients.check_finite`; waits for the device once."""
    named = _present(_taken_apart(gradients)[0])
    if any(is_batchedtensor(tensor) for tensor in named.values()):
        raise _door.needs_values()
    counts = fetched(nonfinite(named))
    if any(counts.values()):
        bad = (
            (name, tensor.detach().cpu().double().numpy())
            for name, tensor in named.items()
            if counts[name]
        )
        raise FloatingPointError(_door.nonfinite_message(bad, len(named)))


def largest_gradients(gradients: Any, *, per: str = "parameter") -> dict[str, Tensor]:
    """Computes :func:`refimpl.gradients.largest_gradients`; does not wait."""
    named = _present(_taken_apart(gradients)[0])
    largest = {
        name: _largest(_rows(tensor, 0)).to(_wide(tensor.dtype))
        for name, tensor in named.items()
    }
    return {
        part: reduce(_maximum, (largest[name] for name in names))
        for part, names in _door.parts(largest, per).items()
    }


def fetched(values: dict[str, Tensor]) -> dict[str, Any]:
    """Brings 0-d tensors to the host as numbers, all at once."""
    if not values:
        return {}
    device = next(iter(values.values())).device
    stacked = torch.stack([value.detach().to(device) for value in values.values()])
    return dict(zip(values, stacked.tolist(), strict=True))


def _taken_apart(gradients: Any, stack_axes: int = 0) -> tuple[dict[str, Any], Any]:
    given, like = _door.take_apart(gradients)
    named = {
        name: item.grad if isinstance(item, nn.Parameter) else item
        for name, item in given.items()
    }
    _door.check_gradients(_present(named), stack_axes)
    return named, like


def _present(named: dict[str, Any]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in named.items() if tensor is not None}


def _norm(gradients: list[Tensor], stack_axes: int) -> Tensor:
    if not gradients:
        return torch.zeros((), dtype=torch.float32)
    device = gradients[0].device
    dtype = _wide(*{gradient.dtype for gradient in gradients})
    rows = _joined([_rows(gradient, stack_axes) for gradient in gradients])
    largest = reduce(
        torch.maximum, (_largest(row).to(device, dtype) for row in rows)
    ).detach()
    unit = _power_of_two(largest)
    shrink = unit.reciprocal()
    squares = [_sum_of_squares(row, shrink.to(row.device)).to(device) for row in rows]
    return unit * sum(squares[1:], squares[0]).sqrt()


def _wide(*dtypes: torch.dtype) -> torch.dtype:
    return reduce(torch.promote_types, dtypes, torch.float32)


def _rows(gradient: Tensor, stack_axes: int) -> Tensor:
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


def _largest(rows: Tensor) -> Tensor:
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


def _maximum(one: Tensor, other: Tensor) -> Tensor:
    return torch.maximum(one, other.to(one.device))


def _scale(norm: Tensor, max_norm: Any, eps: Any) -> Tensor:
    # A zero norm without eps gives infinity, and then 1.
    return (max_norm / (norm + eps)).clamp(max=1)


def _scaled(gradient: Tensor, scale: Tensor) -> Tensor:
    factor = scale.to(gradient.device)
    factor = factor.reshape(factor.shape + (1,) * (gradient.ndim - factor.ndim))
    return (gradient.to(factor.dtype) * factor).to(gradient.dtype)
