"""Checks shared by the three implementations.

They look at shapes, dtype names and Python numbers only, so they run under ``jit``
and ``torch.compile``; traced values pass through. ``check_range`` and ``check_index``
alone read array values and are called by ``refimpl`` only; compiled code poisons with
NaN instead.
"""

import itertools
import math
from collections.abc import Collection
from numbers import Integral, Real
from typing import Any

import numpy as np

FLOATING = ("float16", "bfloat16", "float32", "float64")
REDUCTIONS = ("none", "sum", "mean", "parts")
MODULATORS = ("probability", "weighted_loss")
SMOOTHINGS = ("uniform", "off_target")
NORMALIZERS = ("weights", "count")
AVERAGES = ("nonempty", "bins")
SHAPES = ("linear", "cosine")
MODES = ("max", "min")


def dtype_name(array: Any) -> str:
    """Returns the dtype of any framework's array as NumPy spells it."""
    return str(array.dtype).removeprefix("torch.")


def is_number(value: Any) -> bool:
    """Tells a Python or NumPy number from an array or a tracer, and from a bool."""
    kind = type(value)
    # The commonest first: asking for an abstract class takes its time.
    return (
        kind is float or kind is int or (kind is not bool and isinstance(value, Real))
    )


def check_choice(name: str, value: Any, choices: Collection[str]) -> None:
    """Raises unless ``value`` is one of ``choices``."""
    if not isinstance(value, str) or value not in choices:
        options = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"{name} must be one of {options}, got {value!r}.")


def check_number(
    name: str,
    value: Any,
    *,
    high: float = math.inf,
    closed: bool = True,
    positive: bool = False,
) -> None:
    """Raises unless a Python number lies in [0, high].

    The upper end is open unless ``closed``, the lower one if ``positive``.
    """
    if not is_number(value):
        if _is_array(value) and value.shape == ():
            check_real(name, value)
            return
        raise TypeError(f"{name} must be a number or a 0-d array, got {_shown(value)}.")
    # Comparisons alone: torch.compile traces them where a number is symbolic.
    below = value > 0 if positive else value >= 0
    above = value <= high if closed else value < high
    if not (below and above and value < math.inf):
        expected = f"in {'(' if positive else '['}0, {high:g}{']' if closed else ')'}"
        if math.isinf(high):
            expected = f"finite and {'>' if positive else '>='} 0"
        raise ValueError(f"{name} must be {expected}, got {value!r}.")


def check_integer(name: str, value: Any, *, low: int | None = None) -> None:
    """Raises unless ``value`` is a Python integer, and at least ``low``."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {_shown(value)}.")
    if low is not None and value < low:
        raise ValueError(f"{name} must be >= {low}, got {value!r}.")


def check_array(name: str, array: Any, *, also: str = "") -> None:
    """Raises unless ``array`` is an array of some framework."""
    if not _is_array(array):
        raise TypeError(f"{name} must be an array{also}, got {type(array).__name__}.")


def check_real(name: str, array: Any) -> None:
    """Raises if ``array`` holds complex numbers."""
    if "complex" in dtype_name(array):
        raise TypeError(f"{name} must be real, got {dtype_name(array)}.")


def check_floating(name: str, array: Any) -> None:
    """Raises unless ``array`` is an array of floating-point numbers."""
    check_array(name, array)
    if dtype_name(array) not in FLOATING:
        expected = f"{', '.join(FLOATING[:-1])} or {FLOATING[-1]}"
        raise TypeError(f"{name} must have dtype {expected}, got {dtype_name(array)}.")


def check_pair(
    scores: Any, labels: Any, *, names: tuple[str, str] = ("logits", "labels")
) -> None:
    """Raises unless the first are floating and the second real, both of one shape."""
    check_array(names[0], scores)
    check_array(names[1], labels)
    check_floating(names[0], scores)
    check_real(names[1], labels)
    if tuple(scores.shape) != tuple(labels.shape):
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same shape, "
            f"got {tuple(scores.shape)} and {tuple(labels.shape)}."
        )


def check_class_axis(class_axis: Any, shape: tuple[int, ...]) -> None:
    """Raises unless ``class_axis`` is an axis of logits of this shape."""
    check_integer("class_axis", class_axis)
    axes = max(len(shape), 1)
    if not -axes <= class_axis < axes:
        raise ValueError(
            f"class_axis must be in [{-axes}, {axes - 1}] for logits of shape "
            f"{tuple(shape)}, got {class_axis}."
        )


def check_classes(logits: Any, labels: Any, class_axis: int) -> bool:
    """Raises unless labels fit logits that have a class axis.

    Args:
        logits: Scores with a class axis.
        labels: Class indices without that axis, or probabilities with it.
        class_axis: The axis.

    Returns:
        Whether the labels are class indices.
    """
    check_floating("logits", logits)
    check_array("labels", labels)
    shape = tuple(logits.shape)
    if not shape:
        raise ValueError("logits must have a class axis, got shape ().")
    check_class_axis(class_axis, shape)
    if shape[class_axis] == 0:
        raise ValueError(f"logits must have a class, got shape {shape}.")
    kind = dtype_name(labels)
    if kind in FLOATING:
        expected = shape
    elif "int" in kind:
        axis = class_axis % len(shape)
        expected = shape[:axis] + shape[axis + 1 :]
    else:
        raise TypeError(
            "labels must be class indices (integers) or probabilities (floating), "
            f"got {kind}."
        )
    if tuple(labels.shape) != expected:
        what = "class indices"
        hint = ""
        if kind in FLOATING:
            what = "probabilities"
            hint = " Class indices must be integers." * (labels.ndim < len(shape))
        raise ValueError(
            f"labels must have shape {expected} as {what} for logits of shape {shape} "
            f"with class_axis={class_axis}, got {tuple(labels.shape)}.{hint}"
        )
    return kind not in FLOATING


def check_indices(labels: Any) -> None:
    """Raises unless labels are class indices."""
    check_array("labels", labels)
    if "int" not in dtype_name(labels):
        raise TypeError(
            f"labels must be class indices (integers), got {dtype_name(labels)}."
        )


def check_class_weights(class_weights: Any, classes: int) -> None:
    """Raises unless ``class_weights`` is None or has one value per class."""
    if class_weights is None:
        return
    check_array("class_weights", class_weights, also=" or None")
    check_real("class_weights", class_weights)
    if tuple(class_weights.shape) != (classes,):
        raise ValueError(
            f"class_weights must have shape {(classes,)}, one value per class, "
            f"got {tuple(class_weights.shape)}."
        )


def check_mask(name: str, mask: Any, shape: tuple[int, ...]) -> None:
    """Raises unless ``mask`` is None or a boolean array of this shape."""
    if mask is None:
        return
    check_array(name, mask, also=" or None")
    if dtype_name(mask) != "bool":
        raise TypeError(f"{name} must be boolean, got {dtype_name(mask)}.")
    if tuple(mask.shape) != tuple(shape):
        raise ValueError(
            f"{name} must have shape {tuple(shape)}, got {tuple(mask.shape)}."
        )


def check_density(
    bins: Any, debias: Any, average_over: Any, reduce_counts: Any
) -> None:
    """Raises unless the options of a gradient density are what they should be."""
    check_integer("bins", bins, low=1)
    check_choice("average_over", average_over, AVERAGES)
    if not isinstance(debias, bool):
        raise TypeError(f"debias must be True or False, got {_shown(debias)}.")
    if reduce_counts is not None and not callable(reduce_counts):
        raise TypeError(
            f"reduce_counts must be None or callable, got {_shown(reduce_counts)}."
        )


def check_state(state: Any, bins: int) -> None:
    """Raises unless ``state`` is None or two arrays with one value per bin."""
    if state is None:
        return
    if not isinstance(state, tuple) or len(state) != 2:
        raise TypeError(
            f"state must be None or a pair (counts, updates), got {_shown(state)}."
        )
    for name, array in zip(("counts", "updates"), state, strict=True):
        check_array(f"state {name}", array)
        check_real(f"state {name}", array)
        if name == "updates" and "int" not in dtype_name(array):
            raise TypeError(f"state updates must be integers, got {dtype_name(array)}.")
        if tuple(array.shape) != (bins,):
            raise ValueError(
                f"state {name} must have shape {(bins,)}, one value per bin, "
                f"got {tuple(array.shape)}."
            )


def check_sample_weight(sample_weight: Any, shape: tuple[int, ...]) -> None:
    """Raises unless ``sample_weight`` has the shape of the unreduced loss."""
    if sample_weight is None:
        return
    check_array("sample_weight", sample_weight, also=" or None")
    check_real("sample_weight", sample_weight)
    if tuple(sample_weight.shape) != tuple(shape):
        raise ValueError(
            f"sample_weight must have shape {tuple(shape)}, "
            f"got {tuple(sample_weight.shape)}."
        )


def check_class_weight(
    name: str, weight: Any, shape: tuple[int, ...], class_axis: int
) -> None:
    """Raises unless ``weight`` is None, a number, 0-d or one value per class."""
    check_class_axis(class_axis, shape)
    if weight is None:
        return
    if is_number(weight):
        check_number(name, weight)
        return
    if not _is_array(weight):
        raise TypeError(f"{name} must be a number or an array, got {_shown(weight)}.")
    check_real(name, weight)
    classes = (shape[class_axis],) if shape else ()
    if tuple(weight.shape) not in ((), classes):
        hint = f" One weight for all is {name}.item()." * (tuple(weight.shape) == (1,))
        raise ValueError(
            f"{name} must be a scalar or have shape {classes}, one value per class "
            f"along class_axis={class_axis}, got shape {tuple(weight.shape)}.{hint}"
        )


def mined(losses: Any, fraction: Any) -> int:
    """Returns how many of the losses are selected; raises unless they can be."""
    check_floating("losses", losses)
    if len(losses.shape) != 1:
        raise ValueError(f"losses must have one axis, got shape {tuple(losses.shape)}.")
    if not is_number(fraction):
        raise TypeError(f"fraction must be a number, got {_shown(fraction)}.")
    check_number("fraction", fraction, high=1, positive=True)
    total = losses.shape[0]
    return min(total, max(1, math.floor(fraction * total + 0.5)))


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


def check_index(name: str, index: np.ndarray, classes: int) -> None:
    """Raises if a class index lies outside [0, classes); names the first offender."""
    bad = (index < 0) | (index >= classes)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} must be class indices in [0, {classes}) or ignore_index, "
            f"got {index[at]} at index {at}."
        )


def _shown(value: Any) -> str:
    """Shows a value alike for every framework."""
    if _is_array(value):
        return f"an array of shape {tuple(value.shape)}"
    if isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value)}"
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def check_scalar(name: str, value: Any, *, low: float | None = None) -> None:
    """Raises unless ``value`` is a number or 0-d; infinities pass, NaN without low."""
    if not is_number(value):
        check_number(name, value)
    elif low is not None and not value >= low:
        raise ValueError(f"{name} must be >= {low:g}, got {value!r}.")


def check_pieces(boundaries: Any, factors: Any) -> None:
    """Raises unless there are boundaries that increase and factors between them."""
    for name, values in (("boundaries", boundaries), ("factors", factors)):
        if not isinstance(values, list | tuple):
            raise TypeError(f"{name} must be a list or a tuple, got {_shown(values)}.")
        for index, value in enumerate(values):
            check_number(f"{name}[{index}]", value)
    if len(factors) != len(boundaries) + 1:
        raise ValueError(
            "factors must be one more than boundaries, "
            f"got {len(factors)} and {len(boundaries)}."
        )
    numbers = [value for value in boundaries if is_number(value)]
    if any(after <= before for before, after in itertools.pairwise(numbers)):
        raise ValueError(f"boundaries must increase, got {tuple(boundaries)}.")
