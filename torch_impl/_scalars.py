"""Numbers of schedules as 0-d float64 tensors; they promote no other tensor."""

from typing import Any

import torch
from torch import Tensor

from refimpl import _validate


def device_of(*values: Any) -> torch.device:
    """Returns the device of the first tensor, the CPU's without one."""
    for value in values:
        if isinstance(value, Tensor):
            return value.device
    return torch.device("cpu")


def real(value: Any, device: torch.device) -> Tensor:
    """Converts to a tensor."""
    if isinstance(value, Tensor):
        return value.to(device, torch.float64)
    # Filled in place: a copy from the host would end the capture of a CUDA graph.
    return torch.full((), float(value), dtype=torch.float64, device=device)


def number(name: str, value: Any, device: torch.device, **bounds: Any) -> Tensor:
    """Validates a number within the bounds of ``check_number`` and converts it."""
    _validate.check_number(name, value, **bounds)
    return real(value, device)
