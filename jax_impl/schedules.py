"""Schedules of weights and rates; see :mod:`refimpl.schedules`."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jax.lax import optimization_barrier

from jax_impl._scalars import number, real
from refimpl import _validate


class DynamicPosWeight(NamedTuple):
    """State of :func:`dynamic_pos_weight`; see :mod:`refimpl.schedules`."""

    value: Array
    best: Array


def init_dynamic_pos_weight(value: Any = 1.0) -> DynamicPosWeight:
    """Returns the state before the first epoch; see :mod:`refimpl.schedules`."""
    return DynamicPosWeight(number("value", value), real(-math.inf))


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
    rise, cap = number("step", step), real(max_value)
    metric, value, best = real(metric), real(state.value), real(state.best)
    raised = jnp.maximum(value, jnp.minimum(value + rise, cap))
    improved = metric > best
    return DynamicPosWeight(
        jnp.where(improved, value, raised), jnp.where(improved, metric, best)
    )


def progressive_pos_weight(
    step: Any, *, start: Any, end: Any, steps: Any, shape: str = "linear"
) -> Array:
    """Computes :func:`refimpl.schedules.progressive_pos_weight`."""
    _validate.check_choice("shape", shape, _validate.SHAPES)
    _validate.check_scalar("step", step)
    ramp = _linear if shape == "linear" else _cosine
    start, end = number("start", start), number("end", end)
    return ramp(_unknown(step), start, end, number("steps", steps))


def warmup_factor(step: Any, *, steps: Any, first: Any) -> Array:
    """Computes :func:`refimpl.schedules.warmup_factor`."""
    _validate.check_scalar("step", step)
    first, steps = number("first", first, high=1), number("steps", steps)
    return _linear(_unknown(step), first, real(1.0), steps)


def curriculum_factor(
    step: Any, *, boundaries: Sequence[Any], factors: Sequence[Any]
) -> Array:
    """Computes :func:`refimpl.schedules.curriculum_factor`."""
    _validate.check_scalar("step", step)
    _validate.check_pieces(boundaries, factors)
    step = real(step)
    first, *rest = (real(factor) for factor in factors)
    factor = jnp.where(jnp.isnan(step), step, first)
    for boundary, following in zip(boundaries, rest, strict=True):
        factor = jnp.where(step >= real(boundary), following, factor)
    return factor


def _unknown(step: Any) -> Array:
    # XLA divides by a constant as it multiplies by its rounded reciprocal, and a choice
    # by a step that it knows is a constant.
    return optimization_barrier(real(step))


def _linear(step: Array, start: Array, end: Array, steps: Array) -> Array:
    t = jnp.minimum(jnp.maximum(step, 0), steps)
    share = ((end - start) * t) / jnp.where(t < steps, steps, 1)
    return jnp.where(t >= steps, end, start + share)


def _cosine(step: Array, start: Array, end: Array, steps: Array) -> Array:
    t = jnp.minimum(jnp.maximum(step, 0), steps)
    rising = t + t < steps
    near, far = jnp.where(rising, start, end), jnp.where(rising, end, start)
    away = jnp.minimum(t, steps - t)
    wave = 1 + _cotangent_squared(away / jnp.where(away > 0, steps, 1))
    return near + (far - near) / wave


def _cotangent_squared(ratio: Array) -> Array:
    angle_squared = (math.pi * math.pi / 4) * (ratio * ratio)
    below = 16.0
    for odd in range(19, 0, -2):
        below = odd - angle_squared / below
    return (below * below) / angle_squared
