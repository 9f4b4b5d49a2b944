"""Hard-example mining: the examples with the largest loss."""

import numpy as np
from numpy.typing import NDArray

from refimpl import _validate


def hard_example_mining(
    losses: NDArray, *, fraction: float = 0.2
) -> tuple[NDArray, NDArray]:
    r"""Selects the examples with the largest loss.

    Args:
        losses: Loss of each example, ``(N,)``; whatever its scale.
        fraction: Share of the examples to select, in (0, 1]. The number selected is
            :math:`k = \lfloor f N + \tfrac12 \rfloor`, and at least 1 of a batch that
            is not empty.

    Returns:
        ``(indices, mask)``: the k indices, the largest loss first and the smaller
        index first among equals; and a boolean array shaped like ``losses`` that is
        true at these indices, for use where shapes must not change.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: ``losses`` has not one axis, or ``fraction`` is out of range.

    Convention:
        The order is the same on every device. NaN counts as the largest loss, so that
        it is not hidden. Nothing is differentiated: select, then add up the losses
        themselves. Under ``jit`` the number selected follows from the shape.

    Example:
        >>> indices, mask = hard_example_mining(np.array([0.5, 2.0, 0.1, 2.0, 1.0]))
        >>> indices.tolist(), mask.tolist()
        ([1], [False, True, False, False, False])

    References:
        Shrivastava et al., 2016. https://arxiv.org/abs/1604.03540
    """
    k = _validate.mined(losses, fraction)
    keys = np.where(np.isnan(losses), np.inf, losses)
    indices = np.argsort(-keys, kind="stable")[:k]
    mask = np.zeros(keys.shape, dtype=bool)
    mask[indices] = True
    return indices, mask
