"""Runs PyTorch functions: eagerly, compiled, and one row at a time under vmap."""

import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType
from typing import Any

import numpy as np
import torch

from conformance.adapters.functions import FunctionAdapter, Functions
from conformance.adapters.protocol import (
    Array,
    Capabilities,
    Outputs,
    Request,
    Response,
    Skipped,
)

DTYPES = {
    "float64": torch.float64,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
Tensors = dict[str, torch.Tensor]
# Raised by the compiler backend where the machine has no C++ compiler or no Triton.
NO_COMPILER = ("InvalidCxxCompiler", "TritonMissing")


class TorchAdapter(FunctionAdapter):
    """Takes gradients by autograd, or by ``torch.func.grad`` under vmap."""

    def __init__(self, functions: Functions, *, name: str, version: str) -> None:
        super().__init__(functions, name=name, version=version)
        self._compiled: dict[tuple[Any, ...], Callable[..., Any]] = {}
        self._graphs: Counter[tuple[Any, ...]] = Counter()

    def start(self) -> Capabilities:
        """Claims every dtype and transform, and CUDA where there is a GPU."""
        return Capabilities(
            name=self.name,
            version=self.version,
            framework="torch",
            dtypes=tuple(DTYPES),
            devices=("cpu", "cuda") if torch.cuda.is_available() else ("cpu",),
            transforms=("eager", "compile", "vmap"),
            operations=self.operations,
        )

    def call(self, request: Request) -> Response:
        """Evaluates the function and differentiates the weighted sum of its output."""
        inputs = {k: _tensor(v, request) for k, v in request.inputs.items()}
        arrays = {k: _tensor(v, request) for k, v in request.arrays.items()}
        tensors = {**inputs, **arrays}
        before = {k: v.clone() for k, v in tensors.items()}
        response = self._answer(request, inputs, arrays)
        if isinstance(response, Outputs):
            mutated = tuple(k for k in before if _differ(before[k], tensors[k]))
            return replace(response, mutated=mutated)
        return response

    def _answer(self, request: Request, inputs: Tensors, arrays: Tensors) -> Response:
        if request.transform == "vmap":
            return _outputs(self._vmap(request, inputs, arrays))
        tensors = {**inputs, **arrays}
        for argument in request.gradients:
            tensors[argument].requires_grad_()
        if request.transform == "eager":
            return _outputs(
                _differentiate(self._bind(request)(tensors), request, tensors)
            )
        try:
            # What the compiler deprecates in itself is not the implementation's fault.
            with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
                value, graphs = self._compile(request, tensors)
        except Exception as error:
            # The compiler's own exceptions are private, hence by name.
            missing = [name for name in NO_COMPILER if name in repr(error)]
            if not missing:
                raise
            return Skipped(f"torch.compile has no compiler here ({missing[0]})")
        return _outputs(_differentiate(value, request, tensors), graphs)

    def _bind(self, request: Request) -> Callable[[Tensors], Any]:
        function, params = self.functions[request.operation], dict(request.params)
        reduction = request.named_reduction

        def run(tensors: Tensors) -> Any:
            keywords = {**tensors, **params}
            logits, labels = keywords.pop("logits"), keywords.pop("labels")
            return function(logits, labels, **keywords, **reduction)

        return run

    def _compile(self, request: Request, tensors: Tensors) -> tuple[Any, int]:
        """Returns the output and how many graphs were compiled for such calls."""
        params = tuple(sorted(request.params.items()))
        form = (request.operation, request.dtype, request.reduction, request.device)
        key = (*form, params, tuple(tensors), request.gradients)
        if key not in self._compiled:
            self._compiled[key] = self._compile_one(self._bind(request), key)
        value = self._compiled[key](tensors)
        # With static shapes there is one graph per shape; calls that share a key
        # but not a shape are counted apart.
        shapes = tuple(tuple(t.shape) for t in tensors.values())
        self._graphs[key, shapes] += self._graphs.pop(key, 0)
        return value, self._graphs[key, shapes]

    def _compile_one(
        self, run: Callable[[Tensors], Any], key: tuple[Any, ...]
    ) -> Callable[[Tensors], Any]:
        inductor = torch._dynamo.lookup_backend("inductor")

        def backend(graph: torch.fx.GraphModule, examples: list[torch.Tensor]) -> Any:
            self._graphs[key] += 1
            return inductor(graph, examples)

        return torch.compile(
            _own_code(run), fullgraph=True, dynamic=False, backend=backend
        )

    def _vmap(self, request: Request, inputs: Tensors, arrays: Tensors) -> Tensors:
        run = self._bind(request)
        weights = inputs["logits"].new_ones(inputs["logits"].shape)
        if request.cotangent is not None:
            weights = _tensor(request.cotangent, request)

        def row(inputs: Tensors, weights: torch.Tensor, arrays: Tensors) -> Tensors:
            tensors = {**inputs, **arrays}

            def total(wanted: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
                value = run({**tensors, **wanted})
                return (weights * value).sum(), value

            wanted = {argument: tensors[argument] for argument in request.gradients}
            grads, value = torch.func.grad(total, has_aux=True)(wanted)
            return {"value": value, **{f"grad_{k}": v for k, v in grads.items()}}

        batched = torch.func.vmap(row, in_dims=(0, 0, None))
        found: Tensors = batched(inputs, weights, arrays)
        shared = {f"grad_{argument}" for argument in arrays}
        return {k: v.sum(0) if k in shared else v for k, v in found.items()}


def _tensor(array: Array, request: Request) -> torch.Tensor:
    # Copied, because the harness hands the same arrays to every implementation.
    tensor = torch.tensor(array, dtype=DTYPES[request.dtype], device=request.device)
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


def _differentiate(value: Any, request: Request, tensors: Tensors) -> Tensors:
    parts = value if request.reduction == "parts" else (value,)
    found: Tensors = {}
    found.update(zip(("value", "normalizer"), parts, strict=False))
    if not request.gradients:
        return found
    leaves = [tensors[argument] for argument in request.gradients]
    total = found["value"]
    if request.cotangent is not None:
        total = total * torch.tensor(
            request.cotangent, dtype=total.dtype, device=total.device
        )
    # A detached output has the gradient zero, which is then judged like any other.
    grads = (
        torch.autograd.grad(total.sum(), leaves, allow_unused=True)
        if total.requires_grad
        else [None] * len(leaves)
    )
    for argument, leaf, grad in zip(request.gradients, leaves, grads, strict=True):
        found[f"grad_{argument}"] = torch.zeros_like(leaf) if grad is None else grad
    return found


def _outputs(found: Tensors, traces: int | None = None) -> Outputs:
    arrays = {k: v.detach().to("cpu", torch.float64).numpy() for k, v in found.items()}
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
