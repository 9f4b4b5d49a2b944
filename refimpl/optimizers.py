"""Optimisers as pure functions of explicit constants: state in, state out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


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
    zeros = [np.zeros_like(parameter) for parameter in parameters]
    return AdamState(0, zeros, [zero.copy() for zero in zeros])


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
        parameters: Any number of arrays of any shape.
        gradients: Shaped like ``parameters``.
        state: As from :func:`init_adam` or the previous update.
        learning_rate: :math:`\eta` > 0.
        beta1: Decay of the first moment, in [0, 1).
        beta2: Decay of the second moment, in [0, 1).
        eps: Added to the root, outside of it and after the correction of the bias.
        weight_decay: :math:`\lambda` >= 0; 0 is Adam.

    Returns:
        New parameters and new state; the arguments are left as they are.

    Raises:
        ValueError: Unequal numbers of parameters, gradients and averages.

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
    step = state.step + 1
    updated, first, second = [], [], []
    for theta, g, m, v in zip(
        parameters, gradients, state.first, state.second, strict=True
    ):
        m = beta1 * m + (1.0 - beta1) * g
        v = beta2 * v + (1.0 - beta2) * (g * g)
        root = np.sqrt(v / (1.0 - beta2**step)) + eps
        direction = m / (1.0 - beta1**step) / root
        updated.append(theta - learning_rate * (direction + weight_decay * theta))
        first.append(m)
        second.append(v)
    return updated, AdamState(step, first, second)
