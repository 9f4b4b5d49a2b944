"""Arithmetic on lists of arrays, one for each parameter."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def averaged(old: list[Array], new: list[Array], decay: float) -> list[Array]:
    """Moves old averages towards new values."""
    return [decay * a + (1.0 - decay) * b for a, b in zip(old, new, strict=True)]


def decayed(
    parameters: list[Array], directions: list[Array], weight_decay: float
) -> list[Array]:
    """Adds a share of the parameters to the directions."""
    return [
        d + weight_decay * theta
        for theta, d in zip(parameters, directions, strict=True)
    ]


def moved(
    parameters: list[Array], directions: list[Array], learning_rate: float
) -> list[Array]:
    """Moves the parameters against the directions."""
    return [
        theta - learning_rate * d
        for theta, d in zip(parameters, directions, strict=True)
    ]


def wide(arrays: list[Array]) -> list[Array]:
    """Returns the arrays in float64."""
    return [np.asarray(array, np.float64) for array in arrays]


def zeros(parameters: list[Array]) -> list[Array]:
    """Returns zeros in float64 shaped like the parameters."""
    return [np.zeros(np.shape(parameter)) for parameter in parameters]
