"""What PyTorch can do with a function of named tensors: one entry per transform."""

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint

from conformance.adapters.protocol import Request
from conformance.adapters.stopwatch import COMPILING, STOPWATCH

Tensors = dict[str, torch.Tensor]
Run = Callable[[Tensors], Tensors]


def eager(run: Run, request: Request, tensors: Tensors) -> Tensors:
    """Differentiates the weighted sum of the output by autograd."""
    found = run(tensors)
    if not request.gradients:
        return found
    leaves = [tensors[argument] for argument in request.gradients]
    total = _total(found["value"], request)
    # A detached output has the gradient zero, which is then judged like any other.
    grads = (
        torch.autograd.grad(total, leaves, allow_unused=True)
        if total.requires_grad
        else [None] * len(leaves)
    )
    for argument, leaf, grad in zip(request.gradients, leaves, grads, strict=True):
        found[f"grad_{argument}"] = torch.zeros_like(leaf) if grad is None else grad
    return found


def _total(value: torch.Tensor, request: Request) -> torch.Tensor:
    if request.cotangent is None:
        return value.sum()
    weights = torch.tensor(request.cotangent, dtype=value.dtype, device=value.device)
    return (weights * value).sum()


def _checkpoint(run: Run, request: Request, tensors: Tensors) -> Tensors:
    def saved(tensors: Tensors) -> Any:
        return checkpoint(run, tensors, use_reentrant=False)

    return eager(saved, request, tensors)


def _autocast(run: Run, request: Request, tensors: Tensors) -> Tensors:
    def lowered(tensors: Tensors) -> Tensors:
        with torch.autocast(request.device, dtype=torch.bfloat16):
            return run(tensors)

    return eager(lowered, request, tensors)


def _export(run: Run, request: Request, tensors: Tensors) -> Tensors:
    class Module(torch.nn.Module):
        def forward(self, tensors: Tensors) -> Tensors:
            return run(tensors)

    with STOPWATCH.during(COMPILING):
        exported = torch.export.export(Module(), (tensors,)).module()
    return eager(exported, request, tensors)


def _vmap(run: Run, request: Request, tensors: Tensors) -> Tensors:
    weights = None
    if request.cotangent is not None:
        like = tensors[request.positional[0]]
        weights = torch.tensor(request.cotangent, dtype=like.dtype, device=like.device)

    def row(inputs: Tensors, weights: Any, arrays: Tensors) -> Tensors:
        def total(wanted: Tensors) -> tuple[torch.Tensor, Tensors]:
            found = run({**inputs, **arrays, **wanted})
            value = found["value"]
            return (value if weights is None else weights * value).sum(), found

        wanted = {k: {**inputs, **arrays}[k] for k in request.gradients}
        grads, found = torch.func.grad(total, has_aux=True)(wanted)
        return {**found, **{f"grad_{k}": v for k, v in grads.items()}}

    inputs = {k: tensors[k] for k in request.inputs}
    arrays = {k: tensors[k] for k in request.arrays}
    rows = None if weights is None else 0
    batched = torch.func.vmap(row, in_dims=(0, rows, None))
    found: Tensors = batched(inputs, weights, arrays)
    shared = {f"grad_{argument}" for argument in request.arrays}
    return {k: v.sum(0) if k in shared else v for k, v in found.items()}


def _jvp(run: Run, request: Request, tensors: Tensors) -> Tensors:
    name, tangent = _direction(request, tensors)

    def value(moved: torch.Tensor) -> tuple[torch.Tensor, Tensors]:
        found = run({**tensors, name: moved})
        return found["value"], found

    primals, tangents = (tensors[name],), (tangent,)
    moved: Any = torch.func.jvp(value, primals, tangents, has_aux=True)
    _, slope, found = moved
    return {**found, "jvp": slope}


def _hessian(run: Run, request: Request, tensors: Tensors) -> Tensors:
    # Forward over reverse, which is how torch.func.hessian does it.
    name, tangent = _direction(request, tensors)

    def total(moved: torch.Tensor) -> torch.Tensor:
        return _total(run({**tensors, name: moved})["value"], request)

    gradient = torch.func.grad(total)
    return {"hvp": torch.func.jvp(gradient, (tensors[name],), (tangent,))[1]}


def _direction(request: Request, tensors: Tensors) -> tuple[str, torch.Tensor]:
    name = request.positional[0]
    like = tensors[name]
    tangent = torch.tensor(request.tangent, dtype=like.dtype, device=like.device)
    return name, tangent


TRANSFORMS: dict[str, Callable[[Run, Request, Tensors], Tensors]] = {
    "eager": eager,
    "vmap": _vmap,
    "jvp": _jvp,
    "hessian": _hessian,
    "checkpoint": _checkpoint,
    "export": _export,
    "autocast": _autocast,
}
# These take gradients by themselves, of functions instead of leaves.
FUNCTIONAL = ("vmap", "jvp", "hessian")
