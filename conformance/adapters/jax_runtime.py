"""Runs JAX functions: eagerly, under jit, and one row at a time under vmap."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np

from conformance.adapters.functions import FunctionAdapter, Functions
from conformance.adapters.layout import arranged, changed
from conformance.adapters.protocol import (
    Array,
    Capabilities,
    Outputs,
    Request,
    Response,
)

DTYPES = {
    "float64": np.dtype(np.float64),
    "float32": np.dtype(np.float32),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float16": np.dtype(np.float16),
}
PLATFORMS = {"cpu": "cpu", "cuda": "gpu"}
Arrays = dict[str, jax.Array]


class JaxAdapter(FunctionAdapter):
    """Takes gradients by ``jax.vjp``.

    Double precision is switched on around each float64 request and off around the
    others, so that the setting of the surrounding program neither matters nor changes.
    """

    def __init__(self, functions: Functions, *, name: str, version: str) -> None:
        super().__init__(functions, name=name, version=version)
        self._compiled: dict[tuple[Any, ...], Callable[..., Arrays]] = {}
        self._traces: Counter[tuple[Any, ...]] = Counter()

    def start(self) -> Capabilities:
        """Claims every dtype and transform, and CUDA where there is a GPU."""
        return Capabilities(
            name=self.name,
            version=self.version,
            framework="jax",
            dtypes=tuple(DTYPES),
            devices=tuple(d for d in PLATFORMS if _device(d) is not None),
            transforms=("eager", "jit", "vmap"),
            operations=self.operations,
        )

    def call(self, request: Request) -> Response:
        """Evaluates the function and pulls the cotangent back."""
        with (
            jax.enable_x64(request.dtype == "float64"),
            jax.default_device(_device(request.device)),
        ):
            inputs = {k: _array(v, request) for k, v in request.inputs.items()}
            arrays = {k: _array(v, request) for k, v in request.arrays.items()}
            cotangent = request.cotangent
            if cotangent is not None:
                cotangent = _array(cotangent, request)
            if request.transform == "eager":
                tensors = {**inputs, **arrays}
                before = {k: np.array(v) for k, v in tensors.items()}
                found = _outputs(self._evaluate(request)(inputs, arrays, cotangent))
                changes = (
                    k for k in before if changed(before[k], np.asarray(tensors[k]))
                )
                return replace(found, mutated=tuple(changes))
            params = tuple(sorted(request.params.items()))
            form = (request.operation, request.dtype, request.reduction, request.want)
            key = (request.transform, request.device, *form, params)
            if key not in self._compiled:
                self._compiled[key] = self._transform(request, key)
            found = self._compiled[key](inputs, arrays, cotangent)
            return _outputs(found, self._traces[key, _shapes(inputs, arrays)])

    def _evaluate(self, request: Request) -> Callable[..., Arrays]:
        function, params = self.functions[request.operation], dict(request.params)

        def evaluate(inputs: Arrays, arrays: Arrays, cotangent: Any) -> Arrays:
            tensors = {**inputs, **arrays}

            def run(wanted: Arrays) -> tuple[jax.Array, Any]:
                keywords = {**tensors, **params, **wanted}
                logits, labels = keywords.pop("logits"), keywords.pop("labels")
                value = function(logits, labels, **keywords, **request.named_reduction)
                return value if request.reduction == "parts" else (value, None)

            if not request.gradients:
                value, normalizer = run({})
                return _named(value, normalizer, {})
            wanted = {argument: tensors[argument] for argument in request.gradients}
            value, pull, normalizer = jax.vjp(run, wanted, has_aux=True)
            weights = jnp.ones_like(value) if cotangent is None else cotangent
            (grads,) = pull(weights.astype(value.dtype))
            return _named(value, normalizer, grads)

        return evaluate

    def _transform(
        self, request: Request, key: tuple[Any, ...]
    ) -> Callable[..., Arrays]:
        evaluate = self._evaluate(request)
        if request.transform == "vmap":
            evaluate = _by_row(evaluate, request)

        def traced(inputs: Arrays, arrays: Arrays, cotangent: Any) -> Arrays:
            self._traces[key, _shapes(inputs, arrays)] += 1
            return evaluate(inputs, arrays, cotangent)

        return jax.jit(traced)


def _by_row(evaluate: Callable[..., Arrays], request: Request) -> Callable[..., Arrays]:
    shared = {f"grad_{argument}" for argument in request.arrays}
    rows = 0 if request.cotangent is not None else None
    batched = jax.vmap(evaluate, in_axes=(0, None, rows))

    def by_row(inputs: Arrays, arrays: Arrays, cotangent: Any) -> Arrays:
        found = batched(inputs, arrays, cotangent)
        return {k: v.sum(0) if k in shared else v for k, v in found.items()}

    return by_row


def _named(value: jax.Array, normalizer: Any, grads: Arrays) -> Arrays:
    found = {"value": value, **{f"grad_{k}": v for k, v in grads.items()}}
    return found if normalizer is None else {**found, "normalizer": normalizer}


def _shapes(inputs: Arrays, arrays: Arrays) -> tuple[tuple[str, tuple[int, ...]], ...]:
    # Sorted, as JAX sorts the dictionaries that it hands to a traced function.
    return tuple(sorted((k, v.shape) for k, v in {**inputs, **arrays}.items()))


def _device(name: str) -> Any:
    try:
        return jax.devices(PLATFORMS[name])[0]
    except RuntimeError:
        return None


def _array(array: Array, request: Request) -> Any:
    typed = np.asarray(array).astype(DTYPES[request.dtype])
    # JAX's own arrays have no strides; NumPy's are accepted in their place.
    if request.layout != "contiguous":
        return arranged(typed, request.layout)
    return jnp.asarray(typed)


def _outputs(found: Arrays, traces: int | None = None) -> Outputs:
    arrays = {k: np.asarray(v) for k, v in found.items()}
    return Outputs(
        arrays={k: v.astype(np.float64) for k, v in arrays.items()},
        dtypes={k: v.dtype.name for k, v in arrays.items()},
        traces=traces,
    )
