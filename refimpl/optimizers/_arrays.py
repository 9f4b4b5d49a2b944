"""Arithmetic on lists of arrays, one for each parameter."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def averaged(old: list[Array], new: list[Array], decay: float) -> list[Array]:
    return [decay * a + (1.0 - decay) * b for a, b in zip(old, new, strict=True)]


def decayed(
    parameters: list[Array], directions: list[Array], weight_decay: float
) -> list[Array]:
    return [
        d + weight_decay * theta
        for theta, d in zip(parameters, directions, strict=True)
    ]


def moved(
    parameters: list[Array], directions: list[Array], learning_rate: float
) -> list[Array]:
    return [
        theta - learning_rate * d
        for theta, d in zip(parameters, directions, strict=True)
    ]


def zeros(parameters: list[Array]) -> list[Array]:
    return [np.zeros_like(parameter) for parameter in parameters]
