"""What an identity is, and how it is asked and judged."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from conformance.adapters import NotImplementedOperation, Outputs, Response, Skipped
from conformance.adapters.protocol import Array
from conformance.budgets import IDENTITY_AMPLIFICATION, MEANINGFUL
from conformance.profiles.answers import alike, failed
from conformance.profiles.calls import Call
from conformance.profiles.check import Ask, Check
from conformance.profiles.judge import Result
from conformance.profiles.silence import unanswered


class UnansweredError(Exception):
    """The implementation gave no such output."""

    def __init__(self, response: Response) -> None:
        super().__init__(repr(response))
        self.response = response


class Pair(NamedTuple):
    """Two arrays that must agree."""

    output: str
    actual: NDArray[Any]
    expected: NDArray[Any]
    exact: bool = False


# Answers a call with the outputs named; "grad" is that of the first argument.
Answer = Callable[..., tuple[Array, ...]]


@dataclass(frozen=True)
class Identity:
    """A sentence about an operation that holds for any implementation of it.

    Attributes:
        operation: The operation it is about.
        name: The sentence, in a few words.
        pairs: Asks what it needs and yields what must agree.
        once: Whether one dtype is enough: it is about shapes and places in memory, and
            every new shape costs JAX the compilation of every primitive.
    """

    operation: str
    name: str
    pairs: Callable[[Answer], Iterator[Pair]]
    once: bool = False

    def check(self, dtype: str) -> Check:
        """The identity as a question to be asked in a dtype."""
        path = f"{self.operation}/semantics/{self.name.replace(' ', '-')}"
        return Check("semantics", self.operation, path, dtype, self._ask)

    def _ask(
        self, result: Result, ask: Ask, device: str, limit: float
    ) -> Iterator[Result]:
        asked: list[tuple[Call, dict[str, Array]]] = []

        def answer(call: Call, *outputs: str) -> tuple[Array, ...]:
            arrays = next((known for one, known in asked if one is call), None)
            if arrays is None:
                want = call.outputs
                response = ask(call.request(result.dtype, device, want))
                if not isinstance(response, Outputs):
                    raise UnansweredError(self._about(call, response))
                arrays = response.arrays
                asked.append((call, arrays))
            names = [call.first_gradient if o == "grad" else o for o in outputs]
            absent = [name for name in names if name not in arrays]
            if absent:
                raise UnansweredError(NotImplementedOperation(f"no {absent[0]}"))
            return tuple(arrays[name] for name in names)

        try:
            for pair in self.pairs(answer):
                yield judged(replace(result, output=pair.output), pair, limit)
        except UnansweredError as error:
            yield unanswered(result, error.response)
        except (ValueError, IndexError) as error:
            # Answers of the right shape can be combined.
            yield failed(result, f"answers that do not fit together: {error}")

    def _about(self, call: Call, response: Response) -> Response:
        """That another operation is missing does not speak against this one."""
        missing = isinstance(response, NotImplementedOperation)
        if missing and call.operation != self.operation:
            return Skipped(f"to be compared with {call.operation}: {response.reason}")
        return response


def judged(result: Result, pair: Pair, limit: float) -> Result:
    """Compares the two arrays of a pair.

    Errors are relative to the largest number of the array: an identity is about the
    formula, and what becomes of the smallest numbers is for the vectors to say.
    """
    expected = np.asarray(pair.expected, float)
    if not (expected.size and np.isfinite(expected).all()):
        # Two answers that are nothing would agree.
        what = "not finite" if expected.size else "empty"
        return failed(result, f"an answer to compare with is {what}")
    size = 0.0 if pair.exact else float(np.abs(expected).max(initial=0.0))
    # Both sides may be off by the budget.
    scale = np.asarray(2 * IDENTITY_AMPLIFICATION * size)
    return alike(result, np.asarray(pair.actual), expected, scale, limit)


Read = Callable[[Array], Array]


def unchanged(array: Array) -> Array:
    """Reads an output as it came."""
    return array


def equal(
    left: Call,
    right: Call,
    value: Read = unchanged,
    grad: Read = unchanged,
    outputs: tuple[str, ...] = ("value", "grad"),
) -> Callable[[Answer], Iterator[Pair]]:
    """Demands that two calls agree.

    Args:
        left: What is judged.
        right: What it must equal.
        value: What the value of the right becomes before it is compared.
        grad: What the gradient of the right becomes.
        outputs: What is compared.

    Returns:
        The pairs of an identity.
    """
    read = {"value": value, "grad": grad}

    def pairs(answer: Answer) -> Iterator[Pair]:
        for output in outputs:
            (actual,), (expected,) = answer(left, output), answer(right, output)
            yield Pair(output, actual, read.get(output, unchanged)(expected))

    return pairs


def first_implemented(
    pairs: Callable[[Answer, Call], Iterator[Pair]], *calls: Call
) -> Callable[[Answer], Iterator[Pair]]:
    """Asks about a call with many arguments, or else about one with fewer."""

    def of_one(answer: Answer) -> Iterator[Pair]:
        for call in calls[:-1]:
            try:
                yield from list(pairs(answer, call))
                return
            except UnansweredError as error:
                if not isinstance(error.response, NotImplementedOperation):
                    raise
        yield from pairs(answer, calls[-1])

    return of_one


def combined(
    whole: Call, parts: tuple[Call, ...], factors: tuple[Any, ...]
) -> Callable[[Answer], Iterator[Pair]]:
    """Demands that a call is a linear combination of others."""

    def pairs(answer: Answer) -> Iterator[Pair]:
        for output in ("value", "grad"):
            terms = [answer(part, output)[0] for part in parts]
            total = sum(f * term for f, term in zip(factors, terms, strict=True))
            yield Pair(output, answer(whole, output)[0], np.asarray(total))

    return pairs


def different(left: Call, right: Call) -> Callable[[Answer], Iterator[Pair]]:
    """Demands that two calls differ by more than rounding, in value and gradient."""

    def pairs(answer: Answer) -> Iterator[Pair]:
        for output in ("value", "grad"):
            (actual,), (other,) = answer(left, output), answer(right, output)
            apart = np.abs(actual - other).max() > MEANINGFUL * np.abs(other).max()
            yield Pair(output, np.asarray(float(apart)), np.ones(()), exact=True)

    return pairs
