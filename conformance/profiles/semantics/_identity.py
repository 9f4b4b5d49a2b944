"""What an identity is, and how it is asked and judged."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from conformance.adapters import NotImplementedOperation, Outputs, Request, Response
from conformance.adapters.protocol import Array
from conformance.budgets import IDENTITY_AMPLIFICATION, MEANINGFUL
from conformance.profiles.answers import alike, unanswered
from conformance.profiles.check import Ask, Check
from conformance.profiles.judge import Result
from conformance.registry import OPERATIONS

KINDS = {"i": "index", "b": "mask"}
STATE = ("state_counts", "state_updates")


@dataclass(frozen=True)
class Call:
    """One call of an operation.

    Attributes:
        operation: Name of the operation.
        inputs: Arrays of the examples; integer ones are indices, bool ones masks.
        options: The other keyword arguments; arrays are handed over as arrays.
        reduction: Reduction asked for.
        layout: How the arrays lie in memory.
    """

    operation: str
    inputs: Mapping[str, Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    reduction: str = "none"
    layout: str = "contiguous"

    def __call__(self, **changes: Any) -> "Call":
        """The same call with other arguments; None takes one away."""
        inputs, options = dict(self.inputs), dict(self.options)
        form = {"reduction": self.reduction, "layout": self.layout}
        for name, value in changes.items():
            of = form if name in form else inputs if name in inputs else options
            of[name] = value
            if value is None:
                del of[name]
        return Call(self.operation, inputs, options, **form)

    def also(self, **inputs: Any) -> "Call":
        """The same call with more arrays of the examples."""
        return replace(self, inputs={**self.inputs, **inputs})

    @property
    def first_gradient(self) -> str:
        """Name of the gradient of the first argument."""
        return f"grad_{OPERATIONS[self.operation].positional[0]}"

    @property
    def outputs(self) -> tuple[str, ...]:
        """Everything that the call returns; losses come with their gradient."""
        returns = OPERATIONS[self.operation].returns
        if returns == "selection":
            return ("mask", "indices")
        more = {"none": (self.first_gradient,), "parts": ("normalizer",)}
        state = STATE if returns == "loss_and_state" else ()
        return ("value", *more.get(self.reduction, ()), *state)

    def request(self, dtype: str, device: str, want: tuple[str, ...]) -> Request:
        """The call as an adapter understands it."""
        operation = OPERATIONS[self.operation]
        arrays = {k: v for k, v in self.options.items() if isinstance(v, np.ndarray)}
        every = {**self.inputs, **arrays}
        return Request(
            operation=self.operation,
            inputs={k: np.asarray(v, float) for k, v in self.inputs.items()},
            params={k: v for k, v in self.options.items() if k not in arrays},
            arrays={k: np.asarray(v, float) for k, v in arrays.items()},
            dtype=dtype,
            reduction=self.reduction,
            device=device,
            want=want,
            layout=self.layout,
            positional=operation.positional,
            returns=operation.returns,
            kinds={
                k: KINDS[v.dtype.kind]
                for k, v in every.items()
                if v.dtype.kind in KINDS
            },
        )


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
                    raise UnansweredError(response)
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


def judged(result: Result, pair: Pair, limit: float) -> Result:
    """Compares the two arrays of a pair.

    Errors are relative to the largest number of the array: an identity is about the
    formula, and what becomes of the smallest numbers is for the vectors to say.
    """
    expected = np.asarray(pair.expected, float)
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
