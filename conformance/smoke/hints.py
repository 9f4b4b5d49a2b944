"""Which mistake of an adapter turns the right numbers into those that came."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain

import numpy as np

from conformance.adapters import Errored, Outputs, Response, resolve
from conformance.adapters.protocol import Array
from conformance.budgets import SMOKE_TOLERANCE
from conformance.smoke.cases import UNKNOWN, Case

# What a message of the harness says, and what usually lies behind it.
WORDS = (
    ("not decimals", "numbers are written as decimals; send their bits"),
    ("16 hexadecimal digits", "the shape counts other numbers than were sent"),
    ("hexadecimal digits only", "numbers must be digits 0-9 and a-f and nothing else"),
    ("or its name in 'missing'", "an output is left out or misspelt"),
    ("expected an answer with id", "the id of the message is not echoed"),
    ("got another", "more than one line was printed for a message"),
    ("unasked", "something is printed that is no answer; use standard error for it"),
    ("one JSON object", "something is printed that is no answer; use standard error"),
    ("expected shape", "the output is reduced, or not reduced, against 'reduction'"),
    ("no answer in", "the answer is not flushed, or lacks its end of line"),
    ("closed its pipe", "standard output is closed before the end"),
    ("instead of answering", "the program ends after a message; read until the end"),
    ("after its last answer", "the program ends after a message; read until the end"),
    ("GaveUp", "see the faults before"),
)


def close(actual: Array, expected: Array) -> bool:
    """Tells whether numbers are the same but for rounding."""
    return actual.shape == expected.shape and np.allclose(
        actual, expected, rtol=SMOKE_TOLERANCE, atol=0.0
    )


def of_numbers(case: Case, output: str, actual: Array) -> str:
    """Names the mistake behind wrong numbers, if it is a known one.

    Args:
        case: What was asked.
        output: The output.
        actual: What came.

    Returns:
        A phrase, or nothing.
    """
    expected = case.expected[output]
    if actual.shape != expected.shape:
        return f"the shape is {actual.shape}, expected {expected.shape}"
    mistakes = chain(
        _of_reading(case, output),
        _of_bits(expected),
        _of_order(expected),
        _of_size(case, output),
    )
    with np.errstate(all="ignore"):
        return next((words for words, wrong in mistakes if close(actual, wrong)), "")


def of_words(case: Case, response: Response) -> str:
    """Names the mistake behind an answer without numbers, if it is a known one."""
    if case.request.operation == UNKNOWN:
        if isinstance(response, Errored) and not response.kind.startswith("adapter"):
            return "what is unknown is 'not_implemented', and no error"
    elif isinstance(response, Errored) and response.kind in ("TypeError", "ValueError"):
        return "a right call is refused: are names, kinds and shapes read as sent?"
    return of_message(response)


def of_message(response: Response) -> str:
    """Names the mistake behind what the harness says, if it is a known one."""
    text = " ".join(map(str, vars(response).values()))
    return next((hint for words, hint in WORDS if words in text), "")


def _of_reading(case: Case, output: str) -> Iterator[tuple[str, Array]]:
    """What the reference makes of arguments that are read backwards."""
    inputs = case.request.inputs
    with np.errstate(all="ignore"):
        swapped = {name: array.byteswap() for name, array in inputs.items()}
    answer = resolve("numpy").eval(replace(case.request, inputs=swapped))
    if isinstance(answer, Outputs) and output in answer.arrays:
        found = answer.arrays[output]
        yield "the bytes of the arguments are read in reversed order", found
        yield "all bytes are in reversed order", found.byteswap()


def _of_bits(expected: Array) -> Iterator[tuple[str, Array]]:
    with np.errstate(all="ignore"):
        yield "the bytes are in reversed order", expected.byteswap()
        halves = expected.astype(np.float32).view(np.uint32).astype(np.uint64)
        for shift in (0, 32):
            bits = (halves << np.uint64(shift)).view(np.float64)
            yield "the bits are those of float32; send those of a double", bits


def _of_order(expected: Array) -> Iterator[tuple[str, Array]]:
    if expected.ndim > 1:
        yield "axes are exchanged: the last one is the fastest", expected.T
        swapped = expected.T.reshape(expected.shape)
        yield "numbers are in Fortran order; the last axis is the fastest", swapped
    if expected.size > 1:
        yield "elements are in reversed order", expected[::-1]
        first = np.broadcast_to(expected[:1], expected.shape)
        yield "all elements are the first one", first
        yield "elements are shifted by one", np.roll(expected, 1, axis=0)


def _of_size(case: Case, output: str) -> Iterator[tuple[str, Array]]:
    expected = case.expected[output]
    count = len(next(iter(case.request.inputs.values())))
    if count > 1 and output.startswith("grad_"):
        mean = "the gradient is that of the mean; that of the sum is asked for"
        yield mean, expected / count
    elif count > 1:
        yield "the value is divided by the number of elements", expected / count
        yield "the value is multiplied by the number of elements", expected * count
    yield "the sign is wrong", -expected
    yield "nothing but zeros", np.zeros_like(expected)
    for name, numbers in case.others.items():
        yield f"this is the {name}", numbers
    for name, numbers in case.request.inputs.items():
        yield f"{name} came back as they were sent", numbers
