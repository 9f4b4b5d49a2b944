"""Checks of layers, shared by the three implementations."""

import math
from typing import Any

from refimpl import _validate


def check_dropout(inputs: Any, mask: Any, rate: Any) -> None:
    """Raises unless there is a truth value for each input and the rate is below 1."""
    _validate.check_floating("inputs", inputs)
    _validate.check_array("mask", mask)
    _validate.check_mask("mask", mask, inputs.shape)
    check_rate(rate)


def check_rate(rate: Any) -> None:
    """Raises unless the rate is in [0, 1)."""
    _validate.check_number("rate", rate, high=1.0, closed=False)


def check_shape(shape: Any) -> None:
    """Raises unless the shape is a tuple of integers that are not negative."""
    if not isinstance(shape, tuple):
        raise TypeError(f"shape must be a tuple of integers, got {shape!r}.")
    for at, length in enumerate(shape):
        _validate.check_integer(f"shape[{at}]", length, low=0)


def named_statistics(state: Any) -> dict[str, Any]:
    """Returns running statistics by name; raises unless they are a named tuple."""
    if getattr(state, "_fields", None) != ("mean", "variance"):
        raise TypeError(
            f"state must be of type BatchStatistics, got {type(state).__name__}."
        )
    return {f"state {name}": array for name, array in state._asdict().items()}


def check_norm(inputs: Any, eps: Any, **per_feature: Any) -> None:
    """Raises unless inputs have a last axis, and all others one value along it."""
    _validate.check_floating("inputs", inputs)
    _validate.check_number("eps", eps)
    if not inputs.shape or not inputs.shape[-1]:
        raise ValueError(
            "inputs must have features along their last axis, got shape "
            f"{tuple(inputs.shape)}."
        )
    for name, array in per_feature.items():
        _validate.check_floating(name, array)
        if tuple(array.shape) != (inputs.shape[-1],):
            raise ValueError(
                f"{name} must have shape ({inputs.shape[-1]},), one value per feature, "
                f"got {tuple(array.shape)}."
            )


def check_batch(inputs: Any) -> None:
    """Raises unless a batch has two values or more of each feature."""
    values = math.prod(inputs.shape[:-1])
    if values < 2:
        raise ValueError(
            "inputs must hold two or more values per feature in training, got shape "
            f"{tuple(inputs.shape)}."
        )


def check_upstream(inputs: Any, upstream: Any) -> None:
    """Raises unless the gradient of the outputs is shaped like the inputs."""
    _validate.check_pair(inputs, upstream, names=("inputs", "upstream"))


def check_running(training: Any, unbiased: Any, momentum: Any) -> None:
    """Raises unless the options of running statistics are what they should be."""
    for name, value in (("training", training), ("unbiased", unbiased)):
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, got {value!r}.")
    _validate.check_number("momentum", momentum, high=1.0)
