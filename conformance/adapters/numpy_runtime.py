"""Runs NumPy functions."""

from dataclasses import replace
from typing import Any

import numpy as np

from conformance.adapters import numpy_shards
from conformance.adapters.functions import FunctionAdapter, arguments, bind
from conformance.adapters.layout import changed
from conformance.adapters.numpy_arrays import named_arrays, outputs_of
from conformance.adapters.protocol import (
    Capabilities,
    NotImplementedOperation,
    Request,
    Response,
)


class NumpyAdapter(FunctionAdapter):
    """float64 on the CPU; gradients come from ``<operation>_grad``."""

    def start(self) -> Capabilities:
        """Claims float64 and nothing to be transformed."""
        return Capabilities(
            name=self.name,
            version=self.version,
            framework="numpy",
            dtypes=("float64",),
            devices=("cpu",),
            transforms=("eager",),
            operations=self.operations,
            autodiff=False,
        )

    def call(self, request: Request) -> Response:
        """Evaluates the function and, where it exists, its gradient."""
        gradient = self.functions.get(f"{request.operation}_grad")
        if request.gradients and (
            request.cotangent is not None or request.reduction not in ("none", "sum")
        ):
            return NotImplementedOperation("only the gradient of the sum is stated")
        named = named_arrays(request)
        before = {name: array.copy() for name, array in named.items()}
        found: dict[str, Any] = {}
        # An implementation may overflow on its way to the right answer.
        with np.errstate(all="ignore"):
            if any(not name.startswith("grad_") for name in request.want):
                found = bind(self.functions[request.operation], request)(named)
            if gradient is not None:
                positional, keywords = arguments(request, {**named, **request.params})
                for argument in request.gradients:
                    found[f"grad_{argument}"] = gradient(
                        *positional, **keywords, argument=argument
                    )
        wanted = {key: found[key] for key in request.want if key in found}
        mutated = tuple(k for k in before if changed(before[k], named[k]))
        return replace(outputs_of(wanted), mutated=mutated)

    def sharded(self, request: Request) -> Response:
        """Evaluates the shards one after the other."""
        function = self.functions[request.operation]
        gradient = self.functions.get(f"{request.operation}_grad")
        with np.errstate(all="ignore"):
            return numpy_shards.evaluate_all(function, gradient, request)
