"""Stochastic gradient descent."""

from typing import NamedTuple

from refimpl._validate_optimizers import check_constants, check_update
from refimpl.optimizers._arrays import Array, decayed, moved, wide, zeros


class SgdState(NamedTuple):
    """Memory of :func:`sgd`.

    Attributes:
        velocity: Decaying sum of the gradients, one array for each parameter.
    """

    velocity: list[Array]


def init_sgd(parameters: list[Array]) -> SgdState:
    """Returns zeros shaped like ``parameters``, the state before the first update.

    Example:
        >>> import numpy as np
        >>> init_sgd([np.ones(2)])
        SgdState(velocity=[array([0., 0.])])
    """
    return SgdState(zeros(parameters))


def sgd(
    parameters: list[Array],
    gradients: list[Array],
    state: SgdState,
    *,
    learning_rate: float,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
) -> tuple[list[Array], SgdState]:
    r"""Makes one update of stochastic gradient descent.

    .. math::
        h = g + \lambda \theta, \quad b = \mu b + h, \quad
        \theta = \theta - \eta \begin{cases}
            h + \mu b & \text{Nesterov} \\ b & \text{otherwise}
        \end{cases}

    Args:
        parameters: Any number of arrays of any shape.
        gradients: Shaped like ``parameters``.
        state: As from :func:`init_sgd` or the previous update.
        learning_rate: :math:`\eta` >= 0.
        momentum: :math:`\mu` in [0, 1); 0 is none.
        nesterov: Whether to look ahead.
        weight_decay: :math:`\lambda` >= 0.

    Returns:
        New parameters and new state; the arguments are left as they are.

    Raises:
        TypeError: A constant, the state or an array is of the wrong kind.
        ValueError: A constant is out of range, or shapes differ.

    Convention:
        The sum is not dampened: a gradient enters it whole, so steady gradients move
        by :math:`\eta / (1 - \mu)`. Decay is coupled: it passes through the momentum.
        The learning rate multiplies last, so a schedule acts at once.

    Example:
        >>> import numpy as np
        >>> options = {"learning_rate": 0.5, "momentum": 0.5, "nesterov": False}
        >>> sgd([np.ones(1)], [np.ones(1)], SgdState([np.ones(1)]), **options,
        ...     weight_decay=0.0)
        ([array([0.25])], SgdState(velocity=[array([1.5])]))

    References:
        Sutskever et al., 2013, eq. 1 and 3, with the rate taken out of the velocity.
        https://proceedings.mlr.press/v28/sutskever13.html
    """
    check_constants(
        learning_rate=learning_rate,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=weight_decay,
    )
    check_update(parameters, gradients, state, SgdState)
    parameters, gradients = wide(parameters), wide(gradients)
    gradients = decayed(parameters, gradients, weight_decay)
    velocity = [
        momentum * b + g for g, b in zip(gradients, state.velocity, strict=True)
    ]
    ahead = [g + momentum * b for g, b in zip(gradients, velocity, strict=True)]
    updated = moved(parameters, ahead if nesterov else velocity, learning_rate)
    return updated, SgdState(velocity)
