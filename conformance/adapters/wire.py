"""What is sent to a program: one JSON object a line, numbers as their bits.

``spec/1.0/protocol.md`` states the format. It can be read without a JSON library: keys
come in a fixed order, nothing is escaped, and there is no white space.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from conformance.adapters.protocol import Array, Request
from conformance.families import nearest

PROTOCOL = "1.0"
# Printable ASCII but for the quotation mark and the backslash.
TEXT = re.compile(r"[ !#-\[\]-~]*")
KINDS = ("real", "index", "mask", "text")


class UnspeakableError(Exception):
    """The protocol has no words for a request; the message says for what."""


class WireError(Exception):
    """A program did not keep to the protocol; the message says where."""


def start_line(number: int) -> str:
    """Returns the first message: who are you, and what do you have?"""
    return _line({"id": number, "message": "start", "protocol": PROTOCOL})


def stop_line(number: int) -> str:
    """Returns the last message, which is answered by ending."""
    return _line({"id": number, "message": "stop"})


def eval_line(number: int, request: Request) -> str:
    """Returns the message that asks for one call.

    Args:
        number: Number to be echoed in the answer.
        request: The call.

    Returns:
        The line, without its end.

    Raises:
        UnspeakableError: The protocol has no words for it.
    """
    _check_speakable(request)
    return _line(
        {
            "id": number,
            "message": "eval",
            "operation": request.operation,
            "dtype": request.dtype,
            "want": list(request.want),
            "arguments": list(_arguments(request)),
        }
    )


def hexadecimal(numbers: ArrayLike) -> str:
    """Returns 16 digits for each number: its bits as a double, highest first."""
    return np.asarray(numbers, float).astype(">f8").tobytes().hex()


def rounded(numbers: ArrayLike, dtype: str) -> Array:
    """Returns the nearest numbers of a dtype, as doubles."""
    wide = np.asarray(numbers, float)
    # What lies outside the range becomes infinite, and that is meant.
    with np.errstate(all="ignore"):
        if dtype == "float16":
            return wide.astype(np.float16).astype(float)
        return nearest(wide, dtype)


def _check_speakable(request: Request) -> None:
    """Raises for everything that has no place in a message."""
    if request.transform != "eager":
        raise UnspeakableError(f"no words for the transform {request.transform}")
    if request.cotangent is not None or request.tangent is not None:
        raise UnspeakableError("no words for upstream gradients and directions")
    if request.gradients and request.reduction not in ("none", "sum"):
        raise UnspeakableError(
            f"no words for a gradient under reduction {request.reduction!r}: "
            "gradients are those of the sum"
        )
    if request.layout != "contiguous":
        raise UnspeakableError(f"no words for the layout {request.layout}")
    if request.shards:
        raise UnspeakableError("no words for shards that share their counts")


def _arguments(request: Request) -> Iterator[dict[str, Any]]:
    for name, array in {**request.inputs, **request.arrays}.items():
        kind = request.kinds.get(name, "real")
        if kind not in KINDS:
            raise UnspeakableError(f"no words for {kind} numbers, as in {name}")
        exact = kind != "real"
        yield _argument(name, kind, array if exact else rounded(array, request.dtype))
    for name, value in request.params.items():
        yield _scalar(name, value)
    if request.reduction or request.named_reduction:
        yield _scalar("reduction", request.reduction)


def _argument(name: str, kind: str, array: NDArray[Any]) -> dict[str, Any]:
    shape = list(map(int, array.shape))
    return {"name": name, "kind": kind, "shape": shape, "data": hexadecimal(array)}


def _scalar(name: str, value: Any) -> dict[str, Any]:
    """An argument that is no array; what kind of number it is may be the question."""
    if isinstance(value, str):
        if not TEXT.fullmatch(value):
            raise UnspeakableError(f"no words for the text {value!r}, as in {name}")
        return {"name": name, "kind": "text", "shape": [], "data": value}
    for kinds, kind in (((bool, np.bool_), "mask"), (int, "index"), (float, "real")):
        if isinstance(value, kinds):
            return _argument(name, kind, np.asarray(value, float))
    raise UnspeakableError(f"no words for a {type(value).__name__}, as in {name}")


def _line(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))
