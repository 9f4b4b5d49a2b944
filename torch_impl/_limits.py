"""Arithmetic at the limits: 0 times infinity, and what is out of range."""

import math
from typing import Any

import torch
from torch import Tensor

# The smallest and the largest normal numbers.
TINY = {dtype: torch.finfo(dtype).tiny for dtype in (torch.float32, torch.float64)}
LARGEST = {dtype: torch.finfo(dtype).max for dtype in (torch.float32, torch.float64)}


def product(a: Any, b: Tensor, *, witness: Tensor | None = None) -> Tensor:
    """Returns a * b with 0 * inf = 0: a term that is off stays off at the limit.

    The witness is finite, or NaN where a or b is; it saves a look at both.
    """
    if torch.compiler.is_compiling() and witness is not None:
        whole = a * b
        return torch.where(whole == whole, whole, 0 * witness)
    if torch.compiler.is_compiling() or torch.is_grad_enabled():
        return a * torch.where((a == 0) & (b.abs() == math.inf), 0, b)
    # Eager torch chooses one by one. Adding 0 times something brings back its NaN.
    whole = (a * b).nan_to_num_(nan=0.0, posinf=math.inf, neginf=-math.inf)
    if witness is not None:
        return whole.add_(witness, alpha=0)
    whole.add_(b.clamp(-1, 1), alpha=0)
    return whole.add_(a.clamp(-1, 1), alpha=0) if isinstance(a, Tensor) else whole


def plus_product(a: Tensor, b: Tensor, c: Tensor, *, sign: int = 1) -> Tensor:
    """Returns a + sign * b * c in one step."""
    if torch.compiler.is_compiling():
        # torch 2.13 crashes on a compiled addcmul in forward mode.
        return a + sign * (b * c)
    return torch.addcmul(a, b, c, value=sign)


def replace_nan_(a: Tensor, by: float = 0.0) -> Tensor:
    """Replaces NaN by a number, in place."""
    if torch.compiler.is_compiling():
        # Not isnan, which would be asked one by one.
        return torch.where(a == a, a, by)
    return a.nan_to_num_(nan=by, posinf=math.inf, neginf=-math.inf)


def nonnegative(a: Tensor) -> Tensor:
    """Replaces what is negative by NaN."""
    # Not the least subnormal, which is 0 where subnormals are flushed.
    return torch.threshold(a, -TINY[a.dtype], math.nan)
