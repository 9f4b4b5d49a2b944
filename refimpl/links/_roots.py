"""Roots of increasing functions, all elements at once."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

_EPS = float(np.finfo(np.float64).eps)


def find_root(
    function: Callable[[NDArray], NDArray], low: NDArray, high: NDArray
) -> NDArray:
    """Finds the root of an increasing element-wise function by Chandrupatla's method.

    Inverse quadratic interpolation where it is safe, bisection elsewhere. The root is
    within a round-off of ``max(1, |root|)`` of where the computed function changes
    sign. NaN in the bracket gives NaN.

    Args:
        function: Maps an array to one of the same shape.
        low: No root lies below, up to rounding.
        high: No root lies above, up to rounding.

    Returns:
        Array shaped like ``low``.

    References:
        Chandrupatla, 1997. https://doi.org/10.1016/S0965-9978(96)00051-8
    """
    # A bound that is met exactly may miss the root by a rounding.
    a, b = high + 1e-9 * (1 + np.abs(high)), low - 1e-9 * (1 + np.abs(low))
    fa, fb = function(a), function(b)
    t, root, found = np.full(np.shape(a), 0.5), a, np.zeros(np.shape(a), dtype=bool)
    # The ends are a, the newest, and b; c is the point that left the bracket last.
    with np.errstate(all="ignore"):  # points coincide once an element has its root
        while True:
            x = a + t * (b - a)
            fx = function(x)
            same = np.sign(fx) == np.sign(fa)
            c, fc = np.where(same, a, b), np.where(same, fa, fb)
            b, fb = np.where(same, b, a), np.where(same, fb, fa)
            a, fa = x, fx
            # A root that is found stays: no element depends on its neighbours.
            root = np.where(found, root, np.where(np.abs(fa) < np.abs(fb), a, b))
            least = _EPS * np.maximum(1, np.abs(root)) / np.abs(b - a)
            found |= ~(least <= 0.5) | (fa == 0) | (fb == 0)
            if found.all():
                return root
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            by_parabola = fa / (fb - fa) * fc / (fb - fc)
            by_parabola += (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            safe = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
            t = np.where(safe, by_parabola, 0.5)
            t = np.clip(t, np.minimum(least, 0.5), np.maximum(1 - least, 0.5))


def keep_infinite(function: Callable[[NDArray], NDArray], x: NDArray) -> NDArray:
    """Maps infinities to themselves, which are limits, and the rest by a function."""
    infinite = np.isinf(x)
    return np.where(infinite, x, function(np.where(infinite, 0, x)))
