"""Runs NumPy functions."""

from typing import Any

import numpy as np

from conformance.adapters.functions import FunctionAdapter, arguments, bind
from conformance.adapters.layout import arranged, changed
from conformance.adapters.protocol import (
    Capabilities,
    NotImplementedOperation,
    Outputs,
    Request,
    Response,
)

DTYPES = {"index": np.int64, "mask": np.bool_, "complex": np.complex128}


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
        # Copied, because the harness hands the same arrays to every implementation.
        named = {
            name: arranged(
                np.asarray(array, DTYPES.get(request.kinds.get(name, ""), float)),
                request.layout,
            )
            for name, array in {**request.inputs, **request.arrays}.items()
        }
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
        arrays = {key: np.asarray(found[key]) for key in request.want if key in found}
        return Outputs(
            arrays={key: array.astype(np.float64) for key, array in arrays.items()},
            dtypes={key: array.dtype.name for key, array in arrays.items()},
            mutated=tuple(k for k in before if changed(before[k], named[k])),
        )
