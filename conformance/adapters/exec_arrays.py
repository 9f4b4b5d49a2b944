"""Numbers of an answer: digits to arrays, in shapes and dtypes that fit the request."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.adapters.exec_words import seen
from conformance.adapters.protocol import Array, Request
from conformance.adapters.wire import WireError, hexadecimal, rounded
from conformance.registry import OPERATIONS

FLOATING = ("float64", "float32", "bfloat16", "float16")
DTYPES = (*FLOATING, "int64", "int32", "bool")
AXES = 8
SHOWN = 60


def output_array(one: Mapping[str, Any], name: str) -> Array:
    """Decodes an output, whose dtype must be able to hold it.

    Args:
        one: The object that describes it.
        name: Its name, for messages.

    Returns:
        The numbers.

    Raises:
        WireError: Shape, digits or dtype do not fit each other.
    """
    shape, data, dtype = one.get("shape"), one.get("data"), one.get("dtype")
    if dtype not in DTYPES:
        raise WireError(
            f"{name}: expected a dtype of {', '.join(DTYPES)}, got {seen(dtype)}"
        )
    if not isinstance(data, str):
        raise WireError(f"{name}: expected digits, got {type(data).__name__}")
    size = _size(shape, name)
    if len(data) != 16 * size:
        raise WireError(
            f"{name}: expected 16 hexadecimal digits for each of {size} numbers of "
            f"shape {shape}, got {len(data)} characters, {_beginning(data)}"
        )
    numbers = _numbers(data, name).reshape(shape)
    _check_range(numbers, dtype, name)
    return numbers


def _size(shape: object, name: str) -> int:
    """How many numbers a shape has, once it is one that an array could have."""
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise WireError(f"{name}: expected a shape of sizes, got {seen(shape)}")
    # Before anything is multiplied, which the sender could make last for hours.
    if len(shape) > AXES:
        raise WireError(
            f"{name}: expected a shape of at most {AXES} sizes, got {len(shape)}"
        )
    # Beside a 0 as well, where no digits stand against it.
    if math.prod(n or 1 for n in shape) >= 2**48:
        raise WireError(
            f"{name}: expected a shape of fewer than 2**48 numbers, got {seen(shape)}"
        )
    return math.prod(shape)


def _numbers(data: str, name: str) -> Array:
    try:
        bits = bytes.fromhex(data)
    except ValueError:
        bits = b""
    # White space passes, but not for a digit.
    if len(bits) * 2 != len(data):
        raise WireError(
            f"{name}: expected hexadecimal digits only, got {_beginning(data)}"
        )
    return np.frombuffer(bits, ">f8").astype(np.float64)


def _check_range(numbers: Array, dtype: str, name: str) -> None:
    if dtype in FLOATING:
        held = rounded(numbers, dtype)
    elif dtype == "bool":
        held = (numbers != 0).astype(float)
    else:
        held = np.trunc(numbers)
    bad = ~((held == numbers) | (np.isnan(numbers) & (dtype in FLOATING)))
    if bad.any():
        worst = numbers[bad].flat[0]
        raise WireError(
            f"{name}: expected numbers of {dtype}, got {float(worst)!r} "
            f"({hexadecimal(worst)})"
        )


def check_shape(request: Request, name: str, array: Array) -> None:
    """Raises unless an output has the shape that the request gives it.

    Args:
        request: What was asked.
        name: Name of the output.
        array: The output.

    Raises:
        WireError: It has another one.
    """
    expected = _shape(request, name)
    if expected is not None and array.shape != expected:
        raise WireError(
            f"{name}: expected shape {list(expected)}, got {list(array.shape)}"
        )


def _shape(request: Request, name: str) -> tuple[int, ...] | None:
    """The shape an output must have, or None where only its number of axes is known."""
    if name.startswith("grad_"):
        argument = {**request.inputs, **request.arrays}.get(name[5:])
        return () if argument is None else np.shape(argument)
    if name not in ("value", "normalizer", "mask"):
        return None
    first = request.inputs.get(request.positional[0])
    if first is None:
        return None
    if name != "mask" and (name == "normalizer" or request.reduction != "none"):
        return ()
    shape = np.shape(first)
    operation = OPERATIONS.get(request.operation)
    if operation is None or operation.form != "rowwise":
        return None if operation is None else shape
    axis = request.params.get("class_axis", -1)
    if type(axis) is not int or not -len(shape) <= axis < len(shape):
        return None
    axis %= len(shape)
    return (*shape[:axis], *shape[axis + 1 :])


def _beginning(data: str) -> str:
    hint = "; numbers are bits, not decimals" if "." in data[:SHOWN] else ""
    return f"{data[:SHOWN]!r}{hint}"
