"""Schedules of weights and rates; see :mod:`refimpl.schedules`."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from refimpl import _validate
from torch_impl._scalars import device_of, number, real


class DynamicPosWeight(NamedTuple):
    """State of :func:`dynamic_pos_weight`; see :mod:`refimpl.schedules`."""

    value: Tensor
    best: Tensor


def init_dynamic_pos_weight(value: Any = 1.0) -> DynamicPosWeight:
    """Returns the state before the first epoch; see :mod:`refimpl.schedules`."""
    device = device_of(value)
    return DynamicPosWeight(number("value", value, device), real(-math.inf, device))


def dynamic_pos_weight(
    state: DynamicPosWeight,
    metric: Any,
    *,
    step: Any = 0.5,
    max_value: Any = 10.0,
) -> DynamicPosWeight:
    """Computes :func:`refimpl.schedules.dynamic_pos_weight`."""
    _validate.check_scalar("metric", metric)
    _validate.check_scalar("max_value", max_value, low=0)
    device = device_of(metric, *state)
    rise, cap = number("step", step, device), real(max_value, device)
    # A loss that is still on the tape would keep every epoch's graph.
    metric = real(metric, device).detach()
    value, best = (real(part, device) for part in state)
    raised = torch.maximum(value, torch.minimum(value + rise, cap))
    improved = metric > best
    return DynamicPosWeight(
        torch.where(improved, value, raised), torch.where(improved, metric, best)
    )


def progressive_pos_weight(
    step: Any, *, start: Any, end: Any, steps: Any, shape: str = "linear"
) -> Tensor:
    """Computes :func:`refimpl.schedules.progressive_pos_weight`."""
    _validate.check_choice("shape", shape, _validate.SHAPES)
    _validate.check_scalar("step", step)
    device = device_of(step)
    ramp = _linear if shape == "linear" else _cosine
    return ramp(
        real(step, device),
        number("start", start, device),
        number("end", end, device),
        number("steps", steps, device),
    )


def warmup_factor(step: Any, *, steps: Any, first: Any) -> Tensor:
    """Computes :func:`refimpl.schedules.warmup_factor`."""
    _validate.check_scalar("step", step)
    device = device_of(step)
    first = number("first", first, device, high=1)
    steps = number("steps", steps, device)
    return _linear(real(step, device), first, real(1.0, device), steps)


def curriculum_factor(
    step: Any, *, boundaries: Sequence[Any], factors: Sequence[Any]
) -> Tensor:
    """Computes :func:`refimpl.schedules.curriculum_factor`."""
    _validate.check_scalar("step", step)
    _validate.check_pieces(boundaries, factors)
    device = device_of(step)
    step = real(step, device)
    first, *rest = (real(factor, device) for factor in factors)
    factor = torch.where(torch.isnan(step), step, first)
    for boundary, following in zip(boundaries, rest, strict=True):
        factor = torch.where(step >= real(boundary, device), following, factor)
    return factor


def _linear(step: Tensor, start: Tensor, end: Tensor, steps: Tensor) -> Tensor:
    t = torch.minimum(step.clamp(min=0), steps)
    # On the tensor's device: CUDA divides by a number from the host inexactly.
    share = ((end - start) * t) / torch.where(t < steps, steps, 1)
    return torch.where(t >= steps, end, start + share)


def _cosine(step: Tensor, start: Tensor, end: Tensor, steps: Tensor) -> Tensor:
    t = torch.minimum(step.clamp(min=0), steps)
    rising = t + t < steps
    near, far = torch.where(rising, start, end), torch.where(rising, end, start)
    away = torch.minimum(t, steps - t)
    wave = 1 + _cotangent_squared(away / torch.where(away > 0, steps, 1))
    return near + (far - near) / wave


def _cotangent_squared(ratio: Tensor) -> Tensor:
    angle_squared = (math.pi * math.pi / 4) * (ratio * ratio)
    below = 16.0
    for odd in range(19, 0, -2):
        below = odd - angle_squared / below
    return (below * below) / angle_squared
