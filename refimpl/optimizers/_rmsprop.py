"""RMSprop."""

from typing import NamedTuple

import numpy as np

from refimpl._validate_optimizers import check_constants, check_update
from refimpl.optimizers._arrays import Array, averaged, decayed, moved, wide, zeros


class RmspropState(NamedTuple):
    """Memory of :func:`rmsprop`.

    Attributes:
        square: Moving average of the squared gradients, one for each parameter.
        mean: Moving average of the gradients; used if centered.
        velocity: Decaying sum of the scaled gradients.
    """

    square: list[Array]
    mean: list[Array]
    velocity: list[Array]


def init_rmsprop(parameters: list[Array]) -> RmspropState:
    """Returns zeros shaped like ``parameters``, the state before the first update.

    Example:
        >>> init_rmsprop([np.ones(2)]).square
        [array([0., 0.])]
    """
    return RmspropState(*(zeros(parameters) for _ in RmspropState._fields))


def rmsprop(
    parameters: list[Array],
    gradients: list[Array],
    state: RmspropState,
    *,
    learning_rate: float,
    decay: float,
    eps: float,
    eps_inside_root: bool,
    centered: bool,
    momentum: float,
    weight_decay: float,
) -> tuple[list[Array], RmspropState]:
    r"""Makes one update of RMSprop.

    .. math::
        h &= g + \lambda \theta, \quad
        v = \alpha v + (1 - \alpha) h^2, \quad a = \alpha a + (1 - \alpha) h \\
        r &= \sqrt{v - a^2 + \epsilon} \text{ or } \sqrt{v - a^2} + \epsilon, \quad
        b = \mu b + h / r, \quad \theta = \theta - \eta b

    with :math:`a = 0` unless centered.

    Args:
        parameters: Any number of arrays of any shape.
        gradients: Shaped like ``parameters``.
        state: As from :func:`init_rmsprop` or the previous update.
        learning_rate: :math:`\eta` >= 0.
        decay: Share :math:`\alpha` of the old averages, in [0, 1).
        eps: :math:`\epsilon` >= 0.
        eps_inside_root: Where it is added. Torch has it outside, Optax by default
            inside.
        centered: Whether to divide by the deviation instead of the root mean square.
        momentum: :math:`\mu` in [0, 1); 0 is none.
        weight_decay: :math:`\lambda` >= 0.

    Returns:
        New parameters and new state; the arguments are left as they are.

    Raises:
        TypeError: A constant, the state or an array is of the wrong kind.
        ValueError: A constant is out of range, or shapes differ.

    Convention:
        The bias of the averages is not corrected. Decay is coupled, as in
        ``torch.optim.RMSprop``. The learning rate multiplies last, as there;
        ``optax.rmsprop`` multiplies what enters the momentum, and so lags behind a
        schedule. A variance that rounding makes negative is 0 here and NaN in both
        libraries. Overflow and ``eps`` 0 are as in :func:`adam`.

    Example:
        >>> new, _ = rmsprop([np.ones(1)], [np.ones(1)], init_rmsprop([np.ones(1)]),
        ...     learning_rate=0.5, decay=0.75, eps=0.5, eps_inside_root=False,
        ...     centered=False, momentum=0.0, weight_decay=0.0)
        >>> new
        [array([0.5])]

    References:
        Graves, 2013, eq. 38-41 (centered). https://arxiv.org/abs/1308.0850
    """
    check_constants(
        learning_rate=learning_rate,
        decay=decay,
        eps=eps,
        eps_inside_root=eps_inside_root,
        centered=centered,
        momentum=momentum,
        weight_decay=weight_decay,
    )
    check_update(parameters, gradients, state, RmspropState)
    parameters, gradients = wide(parameters), wide(gradients)
    gradients = decayed(parameters, gradients, weight_decay)
    # An overflow is infinite, and 0 / 0 NaN, as in Adam.
    with np.errstate(over="ignore", invalid="ignore"):
        square = averaged(state.square, [g * g for g in gradients], decay)
        mean = averaged(state.mean, gradients, decay)
        velocity = []
        for g, v, a, b in zip(gradients, square, mean, state.velocity, strict=True):
            spread = np.maximum(v - a * a, 0.0) if centered else v
            root = np.sqrt(spread + eps) if eps_inside_root else np.sqrt(spread) + eps
            velocity.append(momentum * b + g / root)
    updated = moved(parameters, velocity, learning_rate)
    return updated, RmspropState(square, mean, velocity)
