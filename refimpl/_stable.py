"""Elementary functions without overflow or cancellation, from exp(-|v|)."""

import numpy as np
from numpy.typing import NDArray


def softplus(v: NDArray) -> NDArray:
    """Returns log(1 + exp(v)), accurate in both tails."""
    return np.maximum(v, 0) + np.log1p(np.exp(-np.abs(v)))


def sigmoid(v: NDArray) -> NDArray:
    """Returns 1 / (1 + exp(-v)), accurate in both tails."""
    z = np.exp(-np.abs(v))
    return np.where(v >= 0, 1, z) / (1 + z)


def softplus_ratio(v: NDArray) -> NDArray:
    """Returns softplus(v) / sigmoid(v), which tends to 1 as v falls."""
    z = np.exp(-np.abs(v))
    # log1p(z) / z where sigmoid(v) may underflow; 1 is its limit at z = 0.
    tail = np.log1p(z) / np.where(z > 0, z, 1)
    return np.where(v >= 0, softplus(v), np.where(z > 0, tail, 1)) * (1 + z)


def product(a: NDArray, b: NDArray) -> NDArray:
    """Returns a * b with 0 * inf = 0: a term that is off stays off at the limit."""
    return a * np.where((a == 0) & np.isinf(b), 0, b)
