"""Adam, with weight decay as a part of the gradient or apart from it."""

from typing import NamedTuple

import numpy as np

from refimpl._validate_optimizers import check_constants, check_update
from refimpl.optimizers._arrays import Array, averaged, decayed, moved, wide, zeros


class AdamState(NamedTuple):
    """Moving averages of Adam.

    Attributes:
        step: Number of updates made.
        first: Moving average of the gradients, one array for each parameter.
        second: Moving average of their squares.
    """

    step: int
    first: list[Array]
    second: list[Array]


def init_adam(parameters: list[Array]) -> AdamState:
    """Returns the state before the first update.

    Args:
        parameters: Any number of arrays of any shape.

    Returns:
        Step 0 and zeros shaped like ``parameters``.

    Example:
        >>> init_adam([np.ones(2)]).first
        [array([0., 0.])]
    """
    return AdamState(0, zeros(parameters), zeros(parameters))


def adam(
    parameters: list[Array],
    gradients: list[Array],
    state: AdamState,
    *,
    learning_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> tuple[list[Array], AdamState]:
    r"""Makes one update of Adam, with decay as a part of the gradient.

    .. math::
        h &= g + \lambda \theta, \quad
        m = \beta_1 m + (1 - \beta_1) h, \quad v = \beta_2 v + (1 - \beta_2) h^2 \\
        \theta &= \theta
            - \eta \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    Args:
        parameters: Any number of arrays of any shape.
        gradients: Shaped like ``parameters``.
        state: As from :func:`init_adam` or the previous update.
        learning_rate: :math:`\eta` >= 0.
        beta1: Decay of the first moment, in [0, 1).
        beta2: Decay of the second moment, in [0, 1).
        eps: Added to the root, outside of it and after the correction of the bias.
        weight_decay: :math:`\lambda` >= 0.

    Returns:
        New parameters and new state; the arguments are left as they are.

    Raises:
        TypeError: A constant, the state or an array is of the wrong kind.
        ValueError: A constant is out of range, or shapes differ.

    Convention:
        Decay is coupled, as in ``torch.optim.Adam``: it is scaled along with the
        gradient, so parameters of large gradients decay little. ``optax.adam`` has
        none; :func:`adamw` decouples it.
        A gradient whose square overflows moves nothing from then on. Where all
        gradients were 0, nothing moves, but with ``eps`` 0 it is 0 / 0, NaN. Torch and
        Optax do both.

    Example:
        >>> new, _ = adam([np.ones(1)], [np.ones(1)], init_adam([np.ones(1)]),
        ...     learning_rate=0.5, beta1=0.9, beta2=0.999, eps=1.0, weight_decay=1.0)
        >>> new[0].round(6)  # 1 - 0.5 * 2 / (2 + 1)
        array([0.666667])

    References:
        Kingma and Ba, 2015, algorithm 1. https://arxiv.org/abs/1412.6980
    """
    check_constants(
        learning_rate=learning_rate,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        weight_decay=weight_decay,
    )
    check_update(parameters, gradients, state, AdamState)
    parameters, gradients = wide(parameters), wide(gradients)
    gradients = decayed(parameters, gradients, weight_decay)
    directions, state = _adam_directions(gradients, state, beta1, beta2, eps)
    return moved(parameters, directions, learning_rate), state


def adamw(
    parameters: list[Array],
    gradients: list[Array],
    state: AdamState,
    *,
    learning_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> tuple[list[Array], AdamState]:
    r"""Makes one update of Adam with decoupled weight decay.

    .. math::
        m &= \beta_1 m + (1 - \beta_1) g, \quad v = \beta_2 v + (1 - \beta_2) g^2 \\
        \theta &= \theta - \eta \lambda \theta
            - \eta \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    Args:
        parameters: As in :func:`adam`, like all that follows.
        gradients: Shaped like ``parameters``.
        state: As from :func:`init_adam` or the previous update.
        learning_rate: :math:`\eta` >= 0.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        eps: Added to the root, outside of it.
        weight_decay: :math:`\lambda` >= 0; at 0 it is :func:`adam`.

    Returns:
        New parameters and new state; the arguments are left as they are.

    Raises:
        TypeError: A constant, the state or an array is of the wrong kind.
        ValueError: A constant is out of range, or shapes differ.

    Convention:
        Decay is decoupled from the gradient, multiplied by the learning rate, and
        applied to every parameter, biases included. No constant has a default: the
        libraries' defaults differ (weight decay 1e-2 in torch, 1e-4 in optax).

    Example:
        >>> new, _ = adamw([np.ones(1)], [np.ones(1)], init_adam([np.ones(1)]),
        ...     learning_rate=0.5, beta1=0.9, beta2=0.999, eps=0.0, weight_decay=0.1)
        >>> new
        [array([0.45])]

    References:
        Loshchilov and Hutter, 2019, algorithm 2. https://arxiv.org/abs/1711.05101
    """
    check_constants(
        learning_rate=learning_rate,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        weight_decay=weight_decay,
    )
    check_update(parameters, gradients, state, AdamState)
    parameters, gradients = wide(parameters), wide(gradients)
    directions, state = _adam_directions(gradients, state, beta1, beta2, eps)
    directions = decayed(parameters, directions, weight_decay)
    return moved(parameters, directions, learning_rate), state


def _adam_directions(
    gradients: list[Array], state: AdamState, beta1: float, beta2: float, eps: float
) -> tuple[list[Array], AdamState]:
    step = state.step + 1
    first = averaged(state.first, gradients, beta1)
    # An overflow is infinite, and 0 / 0 NaN, as the convention tells.
    with np.errstate(over="ignore", invalid="ignore"):
        second = averaged(state.second, [g * g for g in gradients], beta2)
        directions = [
            m / (1.0 - beta1**step) / (np.sqrt(v / (1.0 - beta2**step)) + eps)
            for m, v in zip(first, second, strict=True)
        ]
    return directions, AdamState(step, first, second)
