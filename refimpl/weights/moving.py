"""Moving averages of counts, for data whose balance drifts or has no end."""

from typing import Generic, NamedTuple

import numpy as np

from refimpl._inputs import hyperparameter
from refimpl.weights.counting import (
    Counts,
    LabelCounts,
    PositiveCounts,
    check_alike,
    check_kind,
)


class MovingCounts(NamedTuple, Generic[Counts]):
    """State of :func:`update_moving_counts`.

    Attributes:
        average: Moving average of the counts of a batch, from zero, not debiased.
        mass: Share of the average that batches have filled: 1 - m^t after t of them.
    """

    average: Counts
    mass: float


def init_moving_counts(counts: Counts) -> MovingCounts[Counts]:
    """Returns the state before the first batch.

    Args:
        counts: Counts of the kind and shape to average; their values are not used.

    Returns:
        An average of zero.

    Raises:
        TypeError: ``counts`` are of no known kind.

    Example:
        >>> init_moving_counts(LabelCounts(np.array([0, 0])))
        MovingCounts(average=LabelCounts(counts=array([0., 0.])), mass=0.0)
    """
    check_kind("counts", counts, LabelCounts, PositiveCounts)
    zeros = type(counts)(*(np.zeros(part.shape) for part in counts))
    return MovingCounts(zeros, 0.0)


def update_moving_counts(
    state: MovingCounts[Counts], counts: Counts, *, momentum: float = 0.99
) -> MovingCounts[Counts]:
    r"""Takes the counts of one batch into the moving average.

    .. math::
        a_k \mapsto m\,a_k + (1 - m)\,n_k

    Args:
        state: As from :func:`init_moving_counts` or the previous batch.
        counts: Counts of this batch alone, summed over the workers if there are
            several.
        momentum: Share m in [0, 1) of the old average. The average looks back over
            about 1 / (1 - m) batches, which should hold every class; 0 is the
            mistake of weights from one batch.

    Returns:
        The state after this batch.

    Raises:
        TypeError: ``counts`` are not of the kind of the state.
        ValueError: ``momentum`` out of range, or unequal shapes.

    Convention:
        The formula is that of GHM, but every class is updated by every batch: GHM skips
        what is empty, which would take a class that one batch in ten has for ten times
        as frequent as it is.

    Example:
        >>> state = init_moving_counts(LabelCounts(np.array([0, 0])))
        >>> update_moving_counts(state, LabelCounts(np.array([6, 2])), momentum=0.75)
        MovingCounts(average=LabelCounts(counts=array([1.5, 0.5])), mass=0.25)
    """
    check_kind("state", state, MovingCounts)
    check_alike(state.average, counts)
    m = float(hyperparameter("momentum", momentum, high=1, closed=False))
    pairs = zip(state.average, counts, strict=True)
    average = type(counts)(*(m * old + (1 - m) * new for old, new in pairs))
    return MovingCounts(average, m * state.mass + (1 - m))


def moving_counts(state: MovingCounts[Counts], *, debias: bool = True) -> Counts:
    """Reads the average counts of a batch.

    Args:
        state: As from :func:`update_moving_counts`.
        debias: Divide by 1 - m^t after t batches. Without it the first averages are too
            small, because they start at zero.

    Returns:
        Counts of the averaged kind, in float64, for any of the weights:
        ``pos_weight(*moving_counts(state))``.

    Raises:
        TypeError: ``state`` or ``debias`` is of the wrong kind.
        ValueError: No batch was averaged yet.

    Convention:
        All classes share one mass, so ``debias`` cannot change a ratio: it matters to
        ``effective_number``, and where the zero-count rule takes a class as one
        example, which here is one in every batch.
        A class that stays away weighs more and more: cap the weight, or choose a
        momentum that reaches back far enough. Below 1e-100 its average counts as 0, and
        the zero-count rule takes over: with momentum 0.9 after some 2 200 batches.

    Example:
        >>> state = init_moving_counts(LabelCounts(np.array([0, 0])))
        >>> for batch in ([6, 2], [8, 0]):
        ...     counts = LabelCounts(np.array(batch))
        ...     state = update_moving_counts(state, counts, momentum=0.5)
        >>> moving_counts(state, debias=False)
        LabelCounts(counts=array([5.5, 0.5]))
        >>> [f"{count:.3f}" for count in moving_counts(state).counts]
        ['7.333', '0.667']
    """
    check_kind("state", state, MovingCounts)
    if not isinstance(debias, bool):
        raise TypeError(f"debias must be True or False, got {debias!r}.")
    if state.mass == 0:
        raise ValueError(
            "state must have seen a batch, got that of init_moving_counts."
        )
    divisor = state.mass if debias else 1.0
    return type(state.average)(*(part / divisor for part in state.average))
