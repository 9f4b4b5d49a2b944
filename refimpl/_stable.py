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
    # Where sigmoid(v) underflows, z / z must still be 1: no subnormal z.
    z = np.maximum(np.exp(-np.abs(v)), 1e-30)
    return np.where(v >= 0, softplus(v), np.log1p(z) / z) * (1 + z)


def product(a: NDArray, b: NDArray) -> NDArray:
    """Returns a * b with 0 * inf = 0: a term that is off stays off at the limit."""
    return a * np.where((a == 0) & np.isinf(b), 0, b)
