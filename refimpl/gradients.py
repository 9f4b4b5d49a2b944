"""What is done to gradients between the loss and the optimiser."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl import _validate_gradients as _door
from refimpl._inputs import hyperparameter
from refimpl._validate_gradients import OPTAX_CLIP_EPS, TORCH_CLIP_EPS

__all__ = [
    "OPTAX_CLIP_EPS",
    "TORCH_CLIP_EPS",
    "check_finite",
    "clip_by_global_norm",
    "global_norm",
    "largest_gradients",
    "nonfinite",
]

Array = NDArray[np.float64]


def global_norm(gradients: Any, *, stack_axes: int = 0) -> Array:
    r"""Computes the Euclidean norm over all entries of all gradients.

    .. math::
        \lVert g \rVert = u \sqrt{\textstyle\sum_i (g_i / u)^2}, \qquad
        u = 2^{\lfloor \log_2 \max_i |g_i| \rfloor}

    Args:
        gradients: A mapping from names to arrays, pairs of name and array, an iterable
            of arrays, or one array; floating, any shapes. ``None`` is no gradient.
        stack_axes: Number of leading axes that number the models (or the examples) of
            a stack, >= 0, shared by all gradients; each has its own norm.

    Returns:
        Array shaped like the leading axes, 0-d without any; 0 for an empty collection.

    Raises:
        TypeError: A gradient is no array of floating-point numbers; its name is told.
        ValueError: Leading axes differ, or two gradients have one name.

    Convention:
        Division by a power of two rounds nothing: the norm is that of the plain formula
        to the last bit, but squares neither overflow nor underflow. One NaN makes it
        NaN. Backends return it in the widest dtype of the gradients, float32 at least.

    Example:
        >>> float(global_norm({"kernel": np.array([[3.0]]), "bias": np.array([4.0])}))
        5.0
        >>> f"{global_norm([np.array([3e200, 4e200])]):.6g}"
        '5e+200'
        >>> global_norm(np.array([[3.0, 4.0], [6.0, 8.0]]), stack_axes=1)
        array([ 5., 10.])
    """
    named, _ = _taken_apart(gradients, stack_axes)
    rows = [_rows(gradient, stack_axes) for gradient in named.values()]
    largest = np.asarray(0.0)
    for row in rows:
        largest = np.maximum(largest, np.max(np.abs(row), axis=-1, initial=0.0))
    unit = _power_of_two(largest)
    squares = [np.sum(np.square(row / unit[..., None]), axis=-1) for row in rows]
    with np.errstate(over="ignore"):
        return np.asarray(unit * np.sqrt(sum(squares)))


def clip_by_global_norm(
    gradients: Any, max_norm: Any, *, eps: Any, stack_axes: int = 0
) -> tuple[Any, Array]:
    r"""Scales gradients down to a global norm.

    .. math::
        g \min\left(1, \frac{c}{\lVert g \rVert + \epsilon}\right)

    Args:
        gradients: As in :func:`global_norm`.
        max_norm: :math:`c` > 0 and finite.
        eps: Added to the norm, >= 0: ``TORCH_CLIP_EPS`` (1e-6) is torch's rule,
            ``OPTAX_CLIP_EPS`` (0) optax's. Norms within ``eps`` below ``max_norm`` are
            scaled too.
        stack_axes: As in :func:`global_norm`.

    Returns:
        The scaled gradients -- a dictionary for names, a list for an iterable, an array
        for an array, ``None`` where there was none -- and the norm before scaling.

    Raises:
        TypeError: As in :func:`global_norm`.
        ValueError: As there, or ``max_norm`` or ``eps`` out of range.

    Convention:
        Clipping cures no NaN. One NaN makes every entry of every gradient NaN, and one
        infinity leaves NaN in its own place and 0 in all others; :func:`check_finite`
        says which parameter began it. Backends return each gradient in its own dtype,
        scaled in float32 at least.

    Example:
        >>> clipped, norm = clip_by_global_norm([np.array([3.0, 4.0])], 1.0, eps=1e-6)
        >>> clipped[0].round(8).tolist(), float(norm)
        ([0.59999988, 0.79999984], 5.0)

    References:
        Pascanu, Mikolov and Bengio, 2013, algorithm 1. https://arxiv.org/abs/1211.5063
    """
    max_norm = hyperparameter("max_norm", max_norm, positive=True)
    eps = hyperparameter("eps", eps)
    named, like = _taken_apart(gradients, stack_axes)
    norm = global_norm(_present(named), stack_axes=stack_axes)
    # A zero norm without eps gives infinity, and then 1.
    with np.errstate(divide="ignore", over="ignore"):
        scale = np.minimum(max_norm / (norm + eps), 1.0)
    clipped = {name: _scaled(g, scale) for name, g in named.items()}
    return like(clipped), norm


def nonfinite(gradients: Any) -> dict[str, NDArray[np.int64]]:
    """Counts the entries of every gradient that are NaN or infinite.

    Args:
        gradients: As in :func:`global_norm`.

    Returns:
        A 0-d count by the name of the parameter: the key, the place in an iterable, or
        ``""`` for one array; ``None`` has none. Names within a JAX pytree are joined
        by dots.

    Raises:
        TypeError: As in :func:`global_norm`.
        ValueError: Two gradients have one name.

    Example:
        >>> counts = nonfinite({"kernel": np.ones(3), "bias": np.array([np.nan])})
        >>> {name: int(count) for name, count in counts.items()}
        {'kernel': 0, 'bias': 1}
    """
    named = _present(_taken_apart(gradients)[0])
    return {name: np.sum(~np.isfinite(array)) for name, array in named.items()}


def check_finite(gradients: Any) -> None:
    """Raises unless every entry of every gradient is finite.

    Args:
        gradients: As in :func:`global_norm`. Concrete values: within a compiled
            function use :func:`nonfinite`.

    Raises:
        FloatingPointError: An entry is NaN or infinite. Tells of each bad parameter its
            name, how many entries are bad out of how many, and where the first is.
        TypeError: As in :func:`global_norm`, or values are traced.
        ValueError: Two gradients have one name.

    Example:
        >>> check_finite({"kernel": np.ones(3), "bias": np.array([0.0, np.nan])})
        Traceback (most recent call last):
        FloatingPointError: 1 of 2 gradients are not finite: 'bias' has 1 NaN of 2, \
the first at (1,): nan.
    """
    named = _present(_taken_apart(gradients)[0])
    counts = nonfinite(named)
    if any(counts.values()):
        bad = ((name, array) for name, array in named.items() if counts[name])
        raise FloatingPointError(_door.nonfinite_message(bad, len(named)))


def largest_gradients(gradients: Any, *, per: str = "parameter") -> dict[str, Array]:
    """Finds the largest absolute value of every gradient.

    Args:
        gradients: As in :func:`global_norm`.
        per: ``"parameter"``, or ``"layer"``: parameters whose names agree up to the
            last dot are one layer.

    Returns:
        A 0-d value, >= 0, by name as in :func:`nonfinite`; 0 without entries.

    Raises:
        TypeError: As in :func:`global_norm`.
        ValueError: Two gradients have one name, or ``per`` is unknown.

    Convention:
        NaN is the largest of all: it shows.

    Example:
        >>> gradients = {"top.kernel": np.array([1.0, -3.0]), "top.bias": np.ones(1)}
        >>> {name: float(value) for name, value in largest_gradients(gradients).items()}
        {'top.kernel': 3.0, 'top.bias': 1.0}
        >>> float(largest_gradients(gradients, per="layer")["top"])
        3.0
    """
    named = _present(_taken_apart(gradients)[0])
    largest = {
        name: np.max(np.abs(array), initial=0.0) for name, array in named.items()
    }
    return {
        part: np.max([largest[name] for name in names])
        for part, names in _door.parts(largest, per).items()
    }


def _taken_apart(gradients: Any, stack_axes: int = 0) -> tuple[dict[str, Any], Any]:
    named, like = _door.take_apart(gradients)
    _door.check_gradients(_present(named), stack_axes)
    wide = {
        name: None if gradient is None else np.asarray(gradient, np.float64)
        for name, gradient in named.items()
    }
    return wide, like


def _present(named: dict[str, Any]) -> dict[str, Array]:
    return {name: array for name, array in named.items() if array is not None}


def _rows(gradient: Array, stack_axes: int) -> Array:
    """Lays out what belongs to each model of a stack along one axis."""
    stack = gradient.shape[:stack_axes]
    return gradient.reshape(*stack, int(np.prod(gradient.shape[stack_axes:])))


def _power_of_two(largest: Array) -> Array:
    """Returns the power of two at or below, itself and its inverse normal numbers."""
    tiny = np.finfo(np.float64).tiny
    top = np.clip(largest, tiny, 1 / tiny)
    return top / (2 * np.frexp(top)[0])


def _scaled(gradient: Array | None, scale: Array) -> Array | None:
    if gradient is None:
        return None
    # An infinity times 0: nothing to warn of, it is what check_finite looks for.
    with np.errstate(invalid="ignore"):
        return gradient * scale.reshape(
            scale.shape + (1,) * (gradient.ndim - scale.ndim)
        )
