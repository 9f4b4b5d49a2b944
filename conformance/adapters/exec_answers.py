"""What comes back from a program: parsed, checked and never trusted."""

import json
from difflib import get_close_matches
from typing import Any

import numpy as np

from conformance.adapters.exec_arrays import FLOATING, check_shape, output_array
from conformance.adapters.exec_words import (
    Message,
    reason_of,
    seen,
    shown,
    text_of,
    words_of,
)
from conformance.adapters.protocol import (
    Array,
    Capabilities,
    Errored,
    NotImplementedOperation,
    Outputs,
    Request,
    Response,
    Skipped,
)
from conformance.adapters.wire import PROTOCOL, WireError
from conformance.registry import OPERATIONS

# What an answer may need besides its numbers, and what other messages may need.
SLACK = 1 << 20
# Of what came instead of an output.
NAMED = 5


def longest(request: Request) -> int:
    """Returns the number of bytes that no right answer exceeds.

    No output is larger than the largest argument, so what an endless line may take of
    memory is known before it is read.
    """
    arrays = (*request.inputs.values(), *request.arrays.values())
    largest = max((np.size(array) for array in arrays), default=0)
    return SLACK + 16 * largest * len(request.want)


def parse(line: bytes, number: int) -> Message:
    """Reads an answer as far as it must be read to know what it answers.

    Args:
        line: The line.
        number: Id of what was asked.

    Returns:
        The message.

    Raises:
        WireError: It is no JSON object, or answers something else.
    """
    try:
        message = json.loads(
            line.decode("ascii"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise WireError(
            f"expected one JSON object on a line, got {shown(line)} ({error})"
        ) from error
    if not isinstance(message, dict):
        raise WireError(f"expected one JSON object on a line, got {shown(line)}")
    found = message.get("id")
    if found != number or type(found) is not int:
        raise WireError(
            f"expected an answer with id {number}, got id {seen(found)} "
            f"in {shown(line)}"
        )
    return message


def capabilities_of(message: Message) -> Capabilities:
    """Reads what a program claims.

    Args:
        message: Its answer to ``start``.

    Returns:
        The claims.

    Raises:
        WireError: They are incomplete, or about something unknown.
    """
    if message.get("message") != "capabilities":
        what = f"{seen(message.get('message'))} {reason_of(message)}".strip()
        raise WireError(f"start: expected the message 'capabilities', got {what}")
    protocol = text_of(message, "protocol")
    if protocol.partition(".")[0] != PROTOCOL.partition(".")[0]:
        raise WireError(f"start: expected protocol {PROTOCOL!r}, got {protocol!r}")
    operations = words_of(message, "operations")
    for name in operations:
        if name not in OPERATIONS:
            near = get_close_matches(name, OPERATIONS, n=1)
            hint = f"; the closest is {near[0]!r}" if near else ""
            raise WireError(
                f"operations: expected names of the specification, got {name!r}{hint}"
            )
    dtypes = words_of(message, "dtypes") if "dtypes" in message else ("float64",)
    for name in dtypes:
        if name not in FLOATING:
            raise WireError(f"dtypes: expected {', '.join(FLOATING)}, got {name!r}")
    return Capabilities(
        name=text_of(message, "name"),
        version=text_of(message, "version"),
        framework="exec",
        dtypes=dtypes or ("float64",),
        devices=("cpu",),
        transforms=("eager",),
        operations=operations,
        autodiff=False,
    )


def response_of(message: Message, request: Request) -> Response:
    """Reads the answer to a request.

    Args:
        message: The answer.
        request: What was asked.

    Returns:
        The answer in the words of the harness.

    Raises:
        WireError: It is not what the protocol promises.
    """
    kind = message.get("message")
    if kind == "outputs":
        return _outputs(message, request)
    if kind == "skipped":
        return Skipped(reason_of(message))
    if kind == "not_implemented":
        return NotImplementedOperation(reason_of(message))
    if kind == "errored":
        return Errored(text_of(message, "kind"), reason_of(message))
    raise WireError(
        "expected the message 'outputs', 'skipped', 'not_implemented' or 'errored', "
        f"got {seen(kind)}"
    )


def _outputs(message: Message, request: Request) -> Outputs:
    given = message.get("outputs")
    if not isinstance(given, list):
        raise WireError(f"outputs: expected an array, got {type(given).__name__}")
    arrays: dict[str, Array] = {}
    dtypes: dict[str, str] = {}
    for one in given:
        if not isinstance(one, dict):
            raise WireError(f"outputs: expected objects, got {type(one).__name__}")
        name = text_of(one, "name")
        if name in arrays:
            raise WireError(f"{name}: expected once, got twice")
        arrays[name], dtypes[name] = output_array(one, name), one["dtype"]
    absent = words_of(message, "missing") if "missing" in message else ()
    for name in request.want:
        if name in absent:
            continue
        if name not in arrays:
            raise WireError(
                f"expected the output {name}, or its name in 'missing', "
                f"got {', '.join([*arrays][:NAMED]) or 'no output'}"
            )
        check_shape(request, name, arrays[name])
    wanted = [name for name in request.want if name in arrays]
    return Outputs(
        {name: arrays[name] for name in wanted},
        {name: dtypes[name] for name in wanted},
        # What a program does to its copies cannot be seen from here.
        mutated=None,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {seen(key)} stands twice")
        found[key] = value
    return found


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")
