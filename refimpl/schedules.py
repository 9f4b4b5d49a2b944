r"""Schedules of weights and rates: pure functions of the step or of a state.

All three backends give the same bits in float64, compiled or not. Compilers fuse
a product and the sum that it feeds (one rounding instead of two), divide by a constant
as they multiply by its reciprocal, and bring their own cosine. So no product feeds a
sum here, what divides is chosen at run time, and the cosine is made of quotients.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from refimpl import _validate
from refimpl._inputs import hyperparameter


class DynamicPosWeight(NamedTuple):
    """State of :func:`dynamic_pos_weight`.

    Attributes:
        value: Positive weight to train the next epoch with.
        best: Best metric so far; minus infinity before the first epoch.
    """

    value: float
    best: float


def init_dynamic_pos_weight(value: Any = 1.0) -> DynamicPosWeight:
    """Returns the state before the first epoch.

    Args:
        value: First weight, >= 0 and finite. 1 is no weighting.

    Returns:
        A state whose metric any number improves on.

    Raises:
        TypeError: ``value`` is not a number.
        ValueError: ``value`` is negative or not finite.

    Example:
        >>> init_dynamic_pos_weight()
        DynamicPosWeight(value=1.0, best=-inf)
    """
    return DynamicPosWeight(float(hyperparameter("value", value)), -math.inf)


def dynamic_pos_weight(
    state: DynamicPosWeight,
    metric: Any,
    *,
    step: Any = 0.5,
    max_value: Any = 10.0,
) -> DynamicPosWeight:
    r"""Raises the positive weight after an epoch that brought no improvement.

    .. math::
        (w, b) \mapsto \begin{cases}
            (w, m) & m > b \\
            (\min(w + s, w_{\max}), b) & \text{otherwise}
        \end{cases}

    Args:
        state: As from :func:`init_dynamic_pos_weight` or the previous epoch.
        metric: Validation metric of the epoch, larger is better.
        step: Rise :math:`s` >= 0 and finite.
        max_value: Cap :math:`w_{\max}`, >= 0; a weight already above it stays.

    Returns:
        The state for the next epoch. In torch its parts are float64 on the device of
        the metric and carry no derivative, in JAX they have the default dtype.

    Raises:
        TypeError: An argument is not a number.
        ValueError: ``step`` or ``max_value`` out of range.

    Convention:
        The weight never falls. An equal metric is no improvement, and neither is NaN,
        which is never stored: a later number can still improve.

    Example:
        >>> state = init_dynamic_pos_weight()
        >>> for f1 in (0.6, 0.7, 0.7, float("nan"), 0.71):
        ...     state = dynamic_pos_weight(state, f1)
        >>> state
        DynamicPosWeight(value=2.0, best=0.71)
    """
    _validate.check_scalar("metric", metric)
    _validate.check_scalar("max_value", max_value, low=0)
    step = float(hyperparameter("step", step))
    metric, max_value = float(metric), float(max_value)
    _validate.check_scalar("max_value", max_value, low=0)
    if metric > state.best:
        return DynamicPosWeight(state.value, metric)
    raised = min(state.value + step, max_value)
    return DynamicPosWeight(max(state.value, raised), state.best)


def progressive_pos_weight(
    step: Any, *, start: Any, end: Any, steps: Any, shape: str = "linear"
) -> float:
    r"""Moves the positive weight from one value to another.

    .. math::
        w(t) = w_0 + (w_1 - w_0) \begin{cases}
            t / n & \text{linear} \\
            (1 - \cos(\pi t / n)) / 2 & \text{cosine}
        \end{cases}

    Args:
        step: Step t, counted from 0, an epoch or an update; clamped to [0, n].
        start: Weight :math:`w_0` at step 0, >= 0 and finite.
        end: Weight :math:`w_1` from step n on, >= 0 and finite.
        steps: Number of steps n, >= 0 and finite. At 0 the weight is ``end``.
        shape: ``"linear"``, or ``"cosine"``, which starts and ends level.

    Returns:
        The weight: a float, in torch a 0-d float64 tensor on the device of ``step``,
        in JAX an array of the default dtype. NaN for a step that is NaN.

    Raises:
        TypeError: An argument is not a number.
        ValueError: ``shape`` unknown, or a number out of range.

    Convention:
        ``start`` and ``end`` are met exactly. Linear is ``optax.linear_schedule``,
        cosine the curve of ``optax.cosine_decay_schedule`` and of torch's
        ``CosineAnnealingLR`` up to ``T_max``; this one may rise.

    Example:
        >>> [progressive_pos_weight(t, start=1, end=5, steps=4) for t in range(6)]
        [1.0, 2.0, 3.0, 4.0, 5.0, 5.0]
        >>> progressive_pos_weight(1, start=1, end=5, steps=3, shape="cosine")
        2.0
    """
    _validate.check_choice("shape", shape, _validate.SHAPES)
    _validate.check_scalar("step", step)
    start, end = hyperparameter("start", start), hyperparameter("end", end)
    ramp = _linear if shape == "linear" else _cosine
    numbers = step, start, end, hyperparameter("steps", steps)
    return ramp(*(float(number) for number in numbers))


def warmup_factor(step: Any, *, steps: Any, first: Any) -> float:
    r"""Raises the factor of a learning rate to 1.

    .. math::
        f(t) = f_0 + (1 - f_0) \min(t / n, 1)

    Args:
        step: Step t, counted from 0; clamped to [0, n].
        steps: Number of steps n, >= 0 and finite: f(n) is the first factor of 1.
        first: Factor :math:`f_0` of step 0, in [0, 1].

    Returns:
        The factor, of the types that :func:`progressive_pos_weight` returns.

    Raises:
        TypeError: An argument is not a number.
        ValueError: ``steps`` or ``first`` out of range.

    Convention:
        ``steps=10, first=0`` is ``min(t / 10, 1)``: the rate is 0 during all of step 0,
        and 1 from step 10 on. ``steps=9, first=1 / 10`` is ``min((t + 1) / 10, 1)``,
        which loses no step: 1 from step 9 on. In general that is ``steps=n - 1,
        first=1 / n``. Torch's ``LinearLR(start_factor=first, total_iters=steps)`` and
        ``optax.linear_schedule(first, 1.0, steps)`` mean the same.

    Example:
        >>> [warmup_factor(epoch, steps=10, first=0.0) for epoch in (0, 1, 9, 10, 11)]
        [0.0, 0.1, 0.9, 1.0, 1.0]
        >>> [warmup_factor(epoch, steps=9, first=0.1) for epoch in (0, 1, 8, 9, 10)]
        [0.1, 0.2, 0.9, 1.0, 1.0]
    """
    _validate.check_scalar("step", step)
    first = hyperparameter("first", first, high=1)
    steps = hyperparameter("steps", steps)
    return _linear(float(step), float(first), 1.0, float(steps))


def curriculum_factor(
    step: Any, *, boundaries: Sequence[Any], factors: Sequence[Any]
) -> float:
    """Returns the factor of a learning rate that changes at given steps.

    Args:
        step: Step, counted from 0.
        boundaries: Steps from which on the next factor holds, >= 0 and increasing.
        factors: One factor >= 0 before each boundary, and one after the last.

    Returns:
        The factor, of the types that :func:`progressive_pos_weight` returns.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Lengths that do not match, or a number out of range.

    Convention:
        The factor is that of the learning rate itself, not of the factor before, as it
        is in ``optax.piecewise_constant_schedule``. A boundary belongs to what follows.

    Example:
        A tenth of the rate during the first five epochs:

        >>> [curriculum_factor(t, boundaries=[5], factors=[0.1, 1]) for t in (0, 4, 5)]
        [0.1, 0.1, 1.0]
    """
    _validate.check_scalar("step", step)
    _validate.check_pieces(boundaries, factors)
    if math.isnan(step):
        return math.nan
    passed = sum(float(step) >= float(boundary) for boundary in boundaries)
    return float(factors[passed])


def _linear(step: float, start: float, end: float, steps: float) -> float:
    t = min(max(step, 0.0), steps)
    return end if t >= steps else start + ((end - start) * t) / (steps or 1.0)


def _cosine(step: float, start: float, end: float, steps: float) -> float:
    t = min(max(step, 0.0), steps)
    # From the nearer end, where the wave is flat: the angle is at most a quarter of pi.
    near, far = (start, end) if t + t < steps else (end, start)
    away = min(t, steps - t)
    if away == 0:
        return near
    return near + (far - near) / (1.0 + _cotangent_squared(away / (steps or 1.0)))


def _cotangent_squared(ratio: float) -> float:
    """Returns cot(pi / 2 ratio)^2, ratio in (0, 1/2], by Lambert's fraction."""
    angle_squared = (math.pi * math.pi / 4) * (ratio * ratio)
    # What is left off is near 21; a power of two divides exactly, however it is done.
    below = 16.0
    for odd in range(19, 0, -2):
        below = odd - angle_squared / below
    return (below * below) / angle_squared
