"""Checks shared by the three implementations.

They look at shapes, dtype names and Python numbers only, so they run under ``jit``
and ``torch.compile``; traced values pass through. ``check_range`` alone reads array
values and is called by ``refimpl`` only; compiled code poisons with NaN instead.
"""

import math
from collections.abc import Collection
from numbers import Real
from typing import Any

import numpy as np

FLOATING = ("float16", "bfloat16", "float32", "float64")
REDUCTIONS = ("none", "sum", "mean", "parts")
MODULATORS = ("probability", "weighted_loss")


def dtype_name(array: Any) -> str:
    """Returns the dtype of any framework's array as NumPy spells it."""
    return str(array.dtype).removeprefix("torch.")


def is_number(value: Any) -> bool:
    """Tells a Python or NumPy number from an array or a tracer."""
    return isinstance(value, Real)


def check_choice(name: str, value: Any, choices: Collection[str]) -> None:
    """Raises unless ``value`` is one of ``choices``."""
    if not isinstance(value, str) or value not in choices:
        options = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {options}, got {value!r}.")


def check_number(
    name: str, value: Any, *, high: float = math.inf, closed: bool = True
) -> None:
    """Raises unless a Python number lies in [0, high], or in [0, high)."""
    if not is_number(value):
        if _is_array(value) and value.shape == ():
            return
        got = f"shape {tuple(value.shape)}" if _is_array(value) else repr(value)
        raise TypeError(f"{name} must be a number or a 0-d array, got {got}.")
    # Comparisons alone: torch.compile traces them where a number is symbolic.
    inside = 0 <= value <= high if closed else 0 <= value < high
    if not (inside and value < math.inf):
        expected = f"in [0, {high:g}{']' if closed else ')'}"
        if math.isinf(high):
            expected = "finite and >= 0"
        raise ValueError(f"{name} must be {expected}, got {value!r}.")


def check_logits_labels(logits: Any, labels: Any) -> None:
    """Raises unless logits are floating and labels real, both of one shape."""
    for name, array in (("logits", logits), ("labels", labels)):
        if not _is_array(array):
            raise TypeError(f"{name} must be an array, got {type(array).__name__}.")
    if dtype_name(logits) not in FLOATING:
        raise TypeError(
            f"logits must be one of {', '.join(FLOATING)}, got {dtype_name(logits)}."
        )
    if "complex" in dtype_name(labels):
        raise TypeError(f"labels must be real, got {dtype_name(labels)}.")
    if tuple(logits.shape) != tuple(labels.shape):
        raise ValueError(
            "logits and labels must have the same shape, "
            f"got {tuple(logits.shape)} and {tuple(labels.shape)}."
        )


def check_sample_weight(sample_weight: Any, shape: tuple[int, ...]) -> None:
    """Raises unless ``sample_weight`` has the shape of the unreduced loss."""
    if sample_weight is None:
        return
    if not _is_array(sample_weight):
        kind = type(sample_weight).__name__
        raise TypeError(f"sample_weight must be an array or None, got {kind}.")
    if tuple(sample_weight.shape) != tuple(shape):
        raise ValueError(
            f"sample_weight must have shape {tuple(shape)}, "
            f"got {tuple(sample_weight.shape)}."
        )


def check_class_weight(
    name: str, weight: Any, shape: tuple[int, ...], class_axis: int
) -> None:
    """Raises unless ``weight`` is None, a number, 0-d or one value per class."""
    if isinstance(class_axis, bool) or not isinstance(class_axis, int):
        raise TypeError(f"class_axis must be an integer, got {class_axis!r}.")
    axes = max(len(shape), 1)
    if not -axes <= class_axis < axes:
        raise ValueError(
            f"class_axis must be in [{-axes}, {axes - 1}] for logits of shape "
            f"{tuple(shape)}, got {class_axis}."
        )
    if weight is None:
        return
    if is_number(weight) or not _is_array(weight):
        check_number(name, weight)
        return
    classes = (shape[class_axis],) if shape else ()
    if tuple(weight.shape) not in ((), classes):
        raise ValueError(
            f"{name} must be a scalar or have shape {classes}, one value per class "
            f"along class_axis={class_axis}, got shape {tuple(weight.shape)}."
        )


def check_range(name: str, array: np.ndarray, *, high: float = math.inf) -> None:
    """Raises if a value lies outside [0, high]; names the first offender."""
    bad = (array < 0) | (array > high)
    if high == math.inf:
        bad |= ~np.isfinite(array)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        expected = "finite and >= 0" if high == math.inf else f"in [0, {high:g}]"
        raise ValueError(
            f"{name} must be {expected}, got {array[index]!s} at index {index}."
        )


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")
