"""JAX libraries, asked under ``jax.jit`` with hyper-parameters traced."""

from dataclasses import replace
from typing import Any

import numpy as np

from conformance.adapters import Request, Response
from conformance.adapters.functions import Functions
from conformance.adapters.jax_runtime import JaxAdapter
from conformance.peers.claims import TRANSFORMS, Claiming
from conformance.profiles.unit import HALVES


class Jitted(JaxAdapter):
    """Compiles each plain call as a whole, which is how such losses are used.

    By itself JAX compiles every primitive of a plain call for every shape.
    """

    def __init__(
        self, functions: Functions, *, name: str, version: str, traced: tuple[str, ...]
    ) -> None:
        """Takes the functions.

        Args:
            functions: Wrapper by operation.
            name: Name in reports.
            version: Version in reports.
            traced: Hyper-parameters that the library takes as arrays too.
        """
        super().__init__(functions, name=name, version=version)
        self._traced = traced

    def call(self, request: Request) -> Response:
        """Evaluates one request, compiled once for all values of numbers."""
        plain = request.transform == "eager"
        params = dict(request.params)
        arrays: dict[str, Any] = dict(request.arrays)
        for name in request.arrays:
            # The harness traces every number; this one decides what is computed.
            if name == "label_smoothing" and name not in self._traced:
                params[name] = float(arrays.pop(name))
        for name in self._traced:
            # In half precision the number itself would be rounded.
            number = isinstance(params.get(name), float)
            if plain and number and request.dtype not in HALVES:
                arrays[name] = np.asarray(params.pop(name))
        transform = "jit" if plain else request.transform
        return super().call(
            replace(request, transform=transform, params=params, arrays=arrays)
        )


def on_jax(
    functions: Functions, *, name: str, version: str, traced: tuple[str, ...]
) -> Claiming:
    """Makes the adapter of wrappers around JAX functions."""
    inner = Jitted(functions, name=name, version=version, traced=traced)
    return Claiming(inner, ("jit", *TRANSFORMS))
