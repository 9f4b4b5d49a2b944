"""Runs JAX functions, plainly and under every transform; all others are jitted."""

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import ml_dtypes
import numpy as np

from conformance.adapters.crew import Crew
from conformance.adapters.functions import FunctionAdapter, Functions, bind
from conformance.adapters.jax_transforms import TRANSFORMS, Arrays, Evaluate
from conformance.adapters.layout import arranged, changed
from conformance.adapters.protocol import (
    Array,
    Capabilities,
    Outputs,
    Request,
    Response,
)
from conformance.adapters.stopwatch import COMPILING, STOPWATCH

DTYPES = {
    "float64": np.dtype(np.float64),
    "float32": np.dtype(np.float32),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float16": np.dtype(np.float16),
    "mask": np.dtype(np.bool_),
    "complex": np.dtype(np.complex128),
}
FLOATS = ("float64", "float32", "bfloat16", "float16")
PLATFORMS = {"cpu": "cpu", "cuda": "gpu"}
# Compiled programs that are kept, each of which takes a megabyte and more.
KEPT = 250
# What JAX reports of tracing, lowering and compiling, or of reading it from the cache.
COMPILATIONS = "/jax/core/compile/"
PROGRAMS = "/jax/core/compile/backend_compile_duration"


class JaxAdapter(FunctionAdapter):
    """Takes gradients by ``jax.vjp``.

    Double precision is switched on around each float64 request and off around the
    others, so that the setting of the surrounding program neither matters nor changes.
    """

    def __init__(self, functions: Functions, *, name: str, version: str) -> None:
        super().__init__(functions, name=name, version=version)
        self._compiled: dict[tuple[Any, ...], Callable[..., Arrays]] = {}
        self._traces: Counter[tuple[Any, ...]] = Counter()
        self._crew: Crew | None = None
        self._hiring = threading.Lock()

    def start(self) -> Capabilities:
        """Claims every dtype and transform, and CUDA where there is a GPU."""
        _compilations()
        return Capabilities(
            name=self.name,
            version=self.version,
            framework="jax",
            dtypes=FLOATS,
            devices=tuple(d for d in PLATFORMS if _device(d) is not None),
            transforms=tuple(TRANSFORMS),
            operations=self.operations,
            # Settings are the thread's own, and compiling leaves Python alone.
            concurrent=True,
        )

    def call(self, request: Request) -> Response:
        """Evaluates the function and pulls the cotangent back."""
        with (
            jax.enable_x64(request.dtype == "float64"),
            jax.default_device(_device(request.device)),
        ):
            inputs = {k: array_of(v, k, request) for k, v in request.inputs.items()}
            arrays = {k: array_of(v, k, request) for k, v in request.arrays.items()}
            direction = (
                request.cotangent if request.tangent is None else request.tangent
            )
            if direction is not None:
                direction = array_of(direction, "", request)
            if request.transform == "eager":
                tensors = {**inputs, **arrays}
                before = {k: np.array(v) for k, v in tensors.items()}
                found = outputs_of(self._evaluate(request)(inputs, arrays, direction))
                changes = (
                    k for k in before if changed(before[k], np.asarray(tensors[k]))
                )
                return replace(found, mutated=tuple(changes))
            key = _key(request)
            if key not in self._compiled:
                self._compiled[key] = self._compile(self._evaluate(request), key)
            found = self._compiled[key](inputs, arrays, direction)
            return outputs_of(found, self._traces[key, _shapes(inputs, arrays)])

    def sharded(self, request: Request) -> Response:
        """Evaluates the shards on several devices, in a process that has them."""
        from conformance.adapters import jax_shards  # only where it is asked for

        with self._hiring:
            if self._crew is None:
                self._crew = Crew(jax_shards.worker, 1)
        answers = self._crew.ask(self.functions[request.operation], [request])
        return answers[0] if isinstance(answers, list) else answers

    def release(self) -> None:
        """Forgets what was compiled, once that is much.

        For a process that runs nothing else meanwhile: all of JAX forgets.
        """
        programs = _compilations()
        if programs[PROGRAMS] > KEPT:
            programs.clear()
            self._compiled.clear()
            self._traces.clear()
            jax.clear_caches()

    def stop(self) -> None:
        """Ends the process of the shards."""
        if self._crew is not None:
            self._crew.dismiss()
            self._crew = None

    def _evaluate(self, request: Request) -> Evaluate:
        run = bind(self.functions[request.operation], request)
        return TRANSFORMS[request.transform](run, request)

    def _compile(self, evaluate: Evaluate, key: tuple[Any, ...]) -> Evaluate:
        def traced(inputs: Arrays, arrays: Arrays, direction: Any) -> Arrays:
            self._traces[key, _shapes(inputs, arrays)] += 1
            return evaluate(inputs, arrays, direction)

        return jax.jit(traced)


def _key(request: Request) -> tuple[Any, ...]:
    """Everything but shapes that decides what is compiled."""
    params, kinds = sorted(request.params.items()), sorted(request.kinds.items())
    form = (request.operation, request.dtype, request.reduction, request.want)
    names = (*request.inputs, *request.arrays, *params, *kinds)
    return (request.transform, request.device, *form, names)


def _shapes(inputs: Arrays, arrays: Arrays) -> tuple[tuple[str, tuple[int, ...]], ...]:
    # Sorted, as JAX sorts the dictionaries that it hands to a traced function.
    return tuple(sorted((k, v.shape) for k, v in {**inputs, **arrays}.items()))


@cache
def _compilations() -> Counter[str]:
    """Counts compilations and has them timed, for all adapters of this process."""
    found = Counter[str]()

    def listener(event: str, duration_secs: float, **_: Any) -> None:
        if event.startswith(COMPILATIONS):
            found[event] += 1
            STOPWATCH.ended(COMPILING, duration_secs)

    jax.monitoring.register_event_duration_secs_listener(listener)
    return found


def _device(name: str) -> Any:
    try:
        return jax.devices(PLATFORMS[name])[0]
    except RuntimeError:
        return None


def array_of(array: Array, name: str, request: Request) -> Any:
    """Makes an argument of a request."""
    kind = request.kinds.get(name, request.dtype)
    wide = request.dtype == "float64"
    integer = np.dtype(np.int64 if wide else np.int32)
    typed = np.asarray(array).astype({**DTYPES, "index": integer}[kind])
    # JAX's own arrays have no strides; NumPy's are accepted in their place.
    if request.layout != "contiguous":
        return arranged(typed, request.layout)
    return jax.device_put(typed)


def outputs_of(found: Arrays, traces: int | None = None) -> Outputs:
    """Makes an answer of named arrays."""
    arrays = {k: np.asarray(v) for k, v in found.items()}
    return Outputs(
        arrays={k: np.real(v).astype(np.float64) for k, v in arrays.items()},
        dtypes={k: v.dtype.name for k, v in arrays.items()},
        traces=traces,
    )
