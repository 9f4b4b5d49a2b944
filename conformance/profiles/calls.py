"""Calls written by hand, for questions that no vector answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.adapters import Request
from conformance.adapters.protocol import Array
from conformance.registry import OPERATIONS

KINDS = {"i": "index", "b": "mask", "c": "complex"}
STATE = ("state_counts", "state_updates")


@dataclass(frozen=True)
class Call:
    """One call of an operation.

    Attributes:
        operation: Name of the operation.
        inputs: Arrays of the examples; integer ones are indices, Boolean ones masks.
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

    def request(
        self,
        dtype: str,
        device: str,
        want: tuple[str, ...],
        transform: str = "eager",
    ) -> Request:
        """The call as an adapter understands it."""
        operation = OPERATIONS[self.operation]
        inputs, options = _arrays(self.inputs), _arrays(self.options)
        named = {**self.inputs, **self.options}
        return Request(
            operation=self.operation,
            inputs={k: _real(v) for k, v in inputs.items()},
            # A list is no array, and goes as it is.
            params={k: v for k, v in named.items() if k not in {**inputs, **options}},
            arrays={k: _real(v) for k, v in options.items()},
            dtype=dtype,
            reduction=self.reduction,
            device=device,
            want=want,
            transform=transform,
            layout=self.layout,
            positional=operation.positional,
            returns=operation.returns,
            kinds={
                k: KINDS[v.dtype.kind]
                for k, v in {**inputs, **options}.items()
                if v.dtype.kind in KINDS
            },
        )


def _arrays(arguments: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    return {k: v for k, v in arguments.items() if isinstance(v, np.ndarray)}


def _real(array: NDArray[Any]) -> Array:
    """The numbers of a request, whose kind says what becomes of them."""
    return np.asarray(np.real(array), float)
