"""How modules hold, check and show their options."""

from typing import Any

import torch
from torch import Tensor

from refimpl import _validate


class Shown(torch.nn.Module):
    """Shows its options."""

    shown: tuple[str, ...] = ()

    def extra_repr(self) -> str:
        """Names every option with its value."""
        return ", ".join(f"{name}={_text(getattr(self, name))}" for name in self.shown)


def hold(module: torch.nn.Module, **options: Any) -> None:
    """Keeps options; tensors become buffers and move with the module."""
    for name, value in options.items():
        if isinstance(value, Tensor) and not isinstance(value, torch.nn.Parameter):
            module.register_buffer(name, value)
        else:
            setattr(module, name, value)


def checked_reduction(reduction: str) -> str:
    """Returns the reduction if there is one of that name."""
    _validate.check_choice("reduction", reduction, _validate.REDUCTIONS)
    return reduction


def _text(value: Any) -> str:
    if not isinstance(value, Tensor):
        return repr(value)
    shape = tuple(value.shape)
    return str(value.tolist()) if value.numel() <= 8 else f"tensor of shape {shape}"
