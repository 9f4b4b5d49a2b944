r"""Optimisers as pure functions of explicit constants: state in, state out.

No constant has a default, since those of the libraries differ. With equal constants
PyTorch and Optax make the same updates to rounding: ``torch_impl.optimizers`` and
``jax_impl.optimizers`` return their optimisers by the names and constants given here.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from refimpl._validate_optimizers import check_constants, check_gradients

Array = NDArray[np.float64]


class SgdState(NamedTuple):
    """Memory of :func:`sgd`.

    Attributes:
        velocity: Decaying sum of the gradients, one array for each parameter.
    """

    velocity: list[Array]


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


def init_sgd(parameters: list[Array]) -> SgdState:
    """Returns zeros shaped like ``parameters``, the state before the first update.

    Example:
        >>> init_sgd([np.ones(2)])
        SgdState(velocity=[array([0., 0.])])
    """
    return SgdState(_zeros(parameters))


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
        TypeError: A constant is of the wrong kind.
        ValueError: A constant is out of range, or shapes differ.

    Convention:
        The sum is not dampened: a gradient enters it whole, so steady gradients move
        by :math:`\eta / (1 - \mu)`. Decay is coupled: it passes through the momentum.
        The learning rate multiplies last, so a schedule acts at once.

    Example:
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
    check_gradients(parameters, gradients)
    gradients = _decayed(parameters, gradients, weight_decay)
    velocity = [
        momentum * b + g for g, b in zip(gradients, state.velocity, strict=True)
    ]
    ahead = [g + momentum * b for g, b in zip(gradients, velocity, strict=True)]
    updated = _moved(parameters, ahead if nesterov else velocity, learning_rate)
    return updated, SgdState(velocity)


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
    return AdamState(0, _zeros(parameters), _zeros(parameters))


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
        TypeError: A constant is of the wrong kind.
        ValueError: A constant is out of range, or shapes differ.

    Convention:
        Decay is coupled, as in ``torch.optim.Adam``: it is scaled along with the
        gradient, so parameters of large gradients decay little. ``optax.adam`` has
        none; :func:`adamw` decouples it.

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
    check_gradients(parameters, gradients)
    gradients = _decayed(parameters, gradients, weight_decay)
    directions, state = _adam_directions(gradients, state, beta1, beta2, eps)
    return _moved(parameters, directions, learning_rate), state


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
        TypeError: A constant is of the wrong kind.
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
    check_gradients(parameters, gradients)
    directions, state = _adam_directions(gradients, state, beta1, beta2, eps)
    directions = _decayed(parameters, directions, weight_decay)
    return _moved(parameters, directions, learning_rate), state


def init_rmsprop(parameters: list[Array]) -> RmspropState:
    """Returns zeros shaped like ``parameters``, the state before the first update.

    Example:
        >>> init_rmsprop([np.ones(2)]).square
        [array([0., 0.])]
    """
    return RmspropState(*(_zeros(parameters) for _ in RmspropState._fields))


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
        TypeError: A constant is of the wrong kind.
        ValueError: A constant is out of range, or shapes differ.

    Convention:
        The bias of the averages is not corrected. Decay is coupled, as in
        ``torch.optim.RMSprop``. The learning rate multiplies last, as there;
        ``optax.rmsprop`` multiplies what enters the momentum, and so lags behind a
        schedule. A variance that rounding makes negative is 0 here and NaN in both
        libraries.

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
    check_gradients(parameters, gradients)
    gradients = _decayed(parameters, gradients, weight_decay)
    square = _averaged(state.square, [g * g for g in gradients], decay)
    mean = _averaged(state.mean, gradients, decay)
    velocity = []
    for g, v, a, b in zip(gradients, square, mean, state.velocity, strict=True):
        spread = np.maximum(v - a * a, 0.0) if centered else v
        root = np.sqrt(spread + eps) if eps_inside_root else np.sqrt(spread) + eps
        velocity.append(momentum * b + g / root)
    updated = _moved(parameters, velocity, learning_rate)
    return updated, RmspropState(square, mean, velocity)


def _adam_directions(
    gradients: list[Array], state: AdamState, beta1: float, beta2: float, eps: float
) -> tuple[list[Array], AdamState]:
    step = state.step + 1
    first = _averaged(state.first, gradients, beta1)
    second = _averaged(state.second, [g * g for g in gradients], beta2)
    directions = [
        m / (1.0 - beta1**step) / (np.sqrt(v / (1.0 - beta2**step)) + eps)
        for m, v in zip(first, second, strict=True)
    ]
    return directions, AdamState(step, first, second)


def _averaged(old: list[Array], new: list[Array], decay: float) -> list[Array]:
    return [decay * a + (1.0 - decay) * b for a, b in zip(old, new, strict=True)]


def _decayed(
    parameters: list[Array], directions: list[Array], weight_decay: float
) -> list[Array]:
    return [
        d + weight_decay * theta
        for theta, d in zip(parameters, directions, strict=True)
    ]


def _moved(
    parameters: list[Array], directions: list[Array], learning_rate: float
) -> list[Array]:
    return [
        theta - learning_rate * d
        for theta, d in zip(parameters, directions, strict=True)
    ]


def _zeros(parameters: list[Array]) -> list[Array]:
    return [np.zeros_like(parameter) for parameter in parameters]
