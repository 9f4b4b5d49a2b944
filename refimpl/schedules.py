"""Schedules of the positive weight: pure state machines, updated once an epoch."""

import math
from typing import NamedTuple


class DynamicPosWeight(NamedTuple):
    """State of :func:`dynamic_pos_weight`.

    Attributes:
        value: Positive weight to train the next epoch with.
        best: Best metric so far; minus infinity before the first epoch.
    """

    value: float
    best: float


def init_dynamic_pos_weight(value: float = 1.0) -> DynamicPosWeight:
    """Returns the state before the first epoch.

    Args:
        value: First weight, >= 0 and finite. 1 is no weighting.

    Returns:
        A state whose metric any number improves on.

    Raises:
        ValueError: ``value`` is negative or not finite.

    Example:
        >>> init_dynamic_pos_weight()
        DynamicPosWeight(value=1.0, best=-inf)
    """
    if not (math.isfinite(value) and value >= 0.0):
        raise ValueError(f"value must be finite and >= 0, got {value}.")
    return DynamicPosWeight(value, -math.inf)


def dynamic_pos_weight(
    state: DynamicPosWeight,
    metric: float,
    *,
    step: float = 0.5,
    max_value: float = 10.0,
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
        The state for the next epoch.

    Raises:
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
    if not (math.isfinite(step) and step >= 0.0):
        raise ValueError(f"step must be finite and >= 0, got {step}.")
    if not max_value >= 0.0:
        raise ValueError(f"max_value must be >= 0, got {max_value}.")
    if metric > state.best:
        return DynamicPosWeight(state.value, metric)
    raised = min(state.value + step, max_value)
    return DynamicPosWeight(max(state.value, raised), state.best)
