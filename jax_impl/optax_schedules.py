"""Factors of the learning rate as Optax knows them."""

import math
from collections.abc import Callable
from typing import Any

import optax

from refimpl import _validate


def scaled_schedule(
    value: Any, *factors: Callable[[Any], Any], every: int = 1
) -> optax.Schedule:
    """Returns a schedule that multiplies a value by factors of the epoch.

    Args:
        value: What is scaled, such as the learning rate, >= 0.
        factors: Functions of the epoch, counted from 0: those of
            :mod:`jax_impl.schedules` with their options bound by ``partial``, or
            schedules of Optax.
        every: Updates in an epoch, >= 1; Optax counts updates.

    Returns:
        ``count -> value * factor(count // every) * ...``, for use as
        ``optax.adamw(learning_rate=...)`` or in ``optax.scale_by_schedule``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: ``value`` or ``every`` out of range.

    Example:
        >>> from functools import partial
        >>> from jax_impl.schedules import warmup_factor
        >>> warmup = partial(warmup_factor, steps=10, first=0.0)
        >>> rate = scaled_schedule(0.5, warmup, every=100)
        >>> [float(rate(count)) for count in (0, 99, 200, 500, 1000, 1100)]
        [0.0, 0.0, 0.10000000149011612, 0.25, 0.5, 0.5]
    """
    _validate.check_number("value", value)
    _validate.check_integer("every", every, low=1)
    for index, factor in enumerate(factors):
        if not callable(factor):
            raise TypeError(f"factors[{index}] must be callable, got {factor!r}.")

    def schedule(count: Any) -> Any:
        epoch = count // every
        return math.prod((factor(epoch) for factor in factors), start=value)

    return schedule
