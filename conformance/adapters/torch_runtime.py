"""Runs PyTorch functions, plainly and under every transform."""

import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
import torch

from conformance.adapters.crew import MAX_SHARDS, Crew
from conformance.adapters.functions import FunctionAdapter, Functions, bind
from conformance.adapters.protocol import (
    Array,
    Capabilities,
    Outputs,
    Request,
    Response,
    Skipped,
)
from conformance.adapters.stopwatch import COMPILING, STOPWATCH
from conformance.adapters.torch_transforms import (
    FUNCTIONAL,
    TRANSFORMS,
    Run,
    Tensors,
    eager,
)

DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
    "index": torch.int64,
    "mask": torch.bool,
    "complex": torch.complex128,
}
FLOATS = ("float64", "float32", "bfloat16", "float16")
# Raised by the compiler backend where the machine has no C++ compiler or no Triton.
NO_COMPILER = ("InvalidCxxCompiler", "TritonMissing")


class TorchAdapter(FunctionAdapter):
    """Takes gradients by autograd, or by ``torch.func.grad`` where it must."""

    def __init__(self, functions: Functions, *, name: str, version: str) -> None:
        super().__init__(functions, name=name, version=version)
        self._compiled: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self._graphs: Counter[tuple[Any, ...]] = Counter()
        self._crew: Crew | None = None

    def start(self) -> Capabilities:
        """Claims every dtype and transform, and CUDA where there is a GPU."""
        return Capabilities(
            name=self.name,
            version=self.version,
            framework="torch",
            dtypes=FLOATS,
            devices=("cpu", "cuda") if torch.cuda.is_available() else ("cpu",),
            transforms=("compile", *TRANSFORMS),
            operations=self.operations,
        )

    def call(self, request: Request) -> Response:
        """Evaluates the function and differentiates the weighted sum of its output."""
        given = {**request.inputs, **request.arrays}
        tensors = {k: tensor_of(v, k, request) for k, v in given.items()}
        before = {k: v.clone() for k, v in tensors.items()}
        response = self._answer(request, tensors)
        if isinstance(response, Outputs):
            mutated = tuple(k for k in before if _differ(before[k], tensors[k]))
            return replace(response, mutated=mutated)
        return response

    def sharded(self, request: Request) -> Response:
        """Evaluates every shard in a process of its own."""
        from conformance.adapters import torch_shards  # only where it is asked for

        if self._crew is None:
            self._crew = Crew(torch_shards.worker, MAX_SHARDS)
        function = self.functions[request.operation]
        return torch_shards.evaluate_all(self._crew, function, request)

    def stop(self) -> None:
        """Ends the processes of the shards."""
        if self._crew is not None:
            self._crew.dismiss()
            self._crew = None

    def _answer(self, request: Request, tensors: Tensors) -> Response:
        run = bind(self.functions[request.operation], request)
        if request.transform not in FUNCTIONAL:
            for argument in request.gradients:
                tensors[argument].requires_grad_()
        if request.transform != "compile":
            return outputs_of(TRANSFORMS[request.transform](run, request, tensors))
        key = self._key(request)
        if key not in self._compiled:
            self._compiled[key] = self._compile(run, key)
        try:
            # What the compiler deprecates in itself is not the implementation's fault.
            with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                found = eager(self._compiled[key], request, tensors)
        except Exception as error:
            # The compiler's own exceptions are private, hence by name.
            missing = [name for name in NO_COMPILER if name in repr(error)]
            if not missing:
                raise
            return Skipped(f"torch.compile has no compiler here ({missing[0]})")
        # With static shapes there is one graph per shape; calls that share a key
        # but not a shape are counted apart.
        shapes = tuple(tuple(t.shape) for t in tensors.values())
        self._graphs[key, shapes] += self._graphs.pop(key, 0)
        return outputs_of(found, self._graphs[key, shapes])

    def _key(self, request: Request) -> tuple[Any, ...]:
        """Everything but shapes that decides what is compiled."""
        form = (request.operation, request.dtype, request.reduction, request.device)
        names = (*request.inputs, *request.arrays, *sorted(request.kinds.items()))
        return (*form, tuple(sorted(request.params.items())), names, request.gradients)

    def _compile(self, run: Run, key: tuple[Any, ...]) -> Run:
        _time_compilations()
        inductor = torch._dynamo.lookup_backend("inductor")

        def backend(graph: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Any:
            self._graphs[key] += 1
            return inductor(graph, examples)

        return torch.compile(
            _own_code(run), fullgraph=True, dynamic=False, backend=backend
        )


@cache
def _time_compilations() -> None:
    """Has compilations recorded; once, since all adapters share the framework."""
    # Only where it is asked for: this takes a second.
    from torch._dynamo.callback import on_compile_end, on_compile_start

    began: list[float] = []

    @on_compile_start
    def _(_: object) -> None:
        began.append(time.perf_counter())

    @on_compile_end
    def _(_: object) -> None:
        STOPWATCH.ended(COMPILING, time.perf_counter() - began.pop())


def tensor_of(array: Array, name: str, request: Request) -> torch.Tensor:
    """Makes an argument of a request."""
    # Copied, because the harness hands the same arrays to every implementation.
    dtype = DTYPES[request.kinds.get(name, request.dtype)]
    tensor = torch.tensor(array, dtype=dtype, device=request.device)
    return _arranged(tensor, request.layout)


def _arranged(tensor: torch.Tensor, layout: str) -> torch.Tensor:
    """Gives a tensor another place in memory; see ``layout.arranged``."""
    if layout == "strided":
        return torch.stack([tensor, tensor], -1)[..., 0]
    if layout == "transposed":
        return tensor.T.contiguous().T if tensor.ndim == 2 else tensor
    if (
        layout == "broadcast"
        and tensor.numel()
        and (tensor == tensor.flatten()[0]).all()
    ):
        return tensor.flatten()[0].clone().expand(tensor.shape)
    return tensor


def _differ(before: torch.Tensor, after: torch.Tensor) -> bool:
    before, after = before.detach(), after.detach()
    both_nan = (before != before) & (after != after)
    return before.shape != after.shape or not bool(((before == after) | both_nan).all())


def outputs_of(found: Tensors, traces: int | None = None) -> Outputs:
    """Makes an answer of named tensors."""
    # Complex numbers in may mean complex numbers out, of which nothing is judged.
    real = {k: v.detach().real if v.is_complex() else v for k, v in found.items()}
    arrays = {k: v.detach().to("cpu", torch.float64).numpy() for k, v in real.items()}
    dtypes = {k: str(v.dtype).removeprefix("torch.") for k, v in found.items()}
    return Outputs({k: np.asarray(v) for k, v in arrays.items()}, dtypes, traces)


def _own_code(function: Callable[..., Any]) -> Callable[..., Any]:
    """Copies a function, because Dynamo keeps and limits graphs per code object."""
    if not isinstance(function, FunctionType):
        return function
    return FunctionType(
        function.__code__.replace(),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
