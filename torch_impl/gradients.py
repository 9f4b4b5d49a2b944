"""What is done to gradients between the loss and the optimiser; see there in refimpl.

A parameter stands for its gradient: ``module.named_parameters()`` is a collection of
gradients, ``None`` where backward has brought none.
"""

from functools import reduce
from typing import Any

import torch
from torch import Tensor, nn
from torch._C._functorch import is_batchedtensor

from refimpl import _validate_gradients as _door
from refimpl._validate_gradients import OPTAX_CLIP_EPS, TORCH_CLIP_EPS
from torch_impl._norms import (
    fetched,
    largest_of,
    maximum,
    norm_of,
    rows_of,
    scale_of,
    scaled,
    wide,
)

__all__ = [
    "OPTAX_CLIP_EPS",
    "TORCH_CLIP_EPS",
    "check_finite",
    "clip_by_global_norm",
    "global_norm",
    "largest_gradients",
    "nonfinite",
]


def global_norm(gradients: Any, *, stack_axes: int = 0) -> Tensor:
    """Computes :func:`refimpl.gradients.global_norm`."""
    named, _ = _taken_apart(gradients, stack_axes)
    return norm_of(list(_present(named).values()), stack_axes)


def clip_by_global_norm(
    gradients: Any, max_norm: Any, *, eps: Any, stack_axes: int = 0
) -> tuple[Any, Tensor]:
    """Computes :func:`refimpl.gradients.clip_by_global_norm`."""
    _door.check_clipping(max_norm, eps)
    named, like = _taken_apart(gradients, stack_axes)
    norm = norm_of(list(_present(named).values()), stack_axes)
    scale = scale_of(norm, max_norm, eps)
    clipped = {
        name: None if gradient is None else scaled(gradient, scale)
        for name, gradient in named.items()
    }
    return like(clipped), norm


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
        name: largest_of(rows_of(tensor, 0)).to(wide(tensor.dtype))
        for name, tensor in named.items()
    }
    return {
        part: reduce(maximum, (largest[name] for name in names))
        for part, names in _door.parts(largest, per).items()
    }


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
