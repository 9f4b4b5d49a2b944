"""Adapters made of plain functions that have the specification's signatures."""

import importlib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from conformance.adapters.protocol import (
    Capabilities,
    Errored,
    NotImplementedOperation,
    Request,
    Response,
    Skipped,
)

Functions = Mapping[str, Callable[..., Any]]
STATE = ("state_counts", "state_updates")

# Modules, not classes: a framework is imported when its adapter is made.
RUNTIMES = {
    "numpy": ("conformance.adapters.numpy_runtime", "NumpyAdapter"),
    "torch": ("conformance.adapters.torch_runtime", "TorchAdapter"),
    "jax": ("conformance.adapters.jax_runtime", "JaxAdapter"),
}


def from_functions(
    functions: Functions, *, framework: str, name: str = "", version: str = "unknown"
) -> "FunctionAdapter":
    """Makes an adapter from functions.

    Args:
        functions: Function by operation name, with the signatures of ``refimpl``; an
            argument that a function does not have is reported as not implemented. For
            NumPy a function may be accompanied by ``"<operation>_grad"``.
        framework: ``"numpy"``, ``"torch"`` or ``"jax"``.
        name: Name in reports; the framework's by default.
        version: Version in reports.

    Returns:
        The adapter, to be run with ``--impl py:module:attribute``.

    Raises:
        ValueError: Unknown framework.

    Example:
        >>> from refimpl import sigmoid_focal_loss
        >>> adapter = from_functions(
        ...     {"sigmoid_focal_loss": sigmoid_focal_loss}, framework="numpy"
        ... )
        >>> adapter.start().operations
        ('sigmoid_focal_loss',)
    """
    if framework not in RUNTIMES:
        accepted = ", ".join(RUNTIMES)
        raise ValueError(f"framework must be one of {accepted}, got {framework!r}.")
    module, attribute = RUNTIMES[framework]
    runtime = getattr(importlib.import_module(module), attribute)
    return runtime(functions, name=name or framework, version=version)


class FunctionAdapter(ABC):
    """What the adapters of all frameworks share."""

    def __init__(self, functions: Functions, *, name: str, version: str) -> None:
        self.functions = dict(functions)
        self.name = name
        self.version = version

    @property
    def operations(self) -> tuple[str, ...]:
        """Names of the operations, without the gradients that accompany them."""
        return tuple(
            name
            for name in self.functions
            if name.removesuffix("_grad") not in self.functions or name[-5:] != "_grad"
        )

    @abstractmethod
    def start(self) -> Capabilities:
        """Says what the functions can do in this framework."""

    @abstractmethod
    def call(self, request: Request) -> Response:
        """Answers a request whose operation and arguments exist."""

    def sharded(self, request: Request) -> Response:
        """Answers a request whose batch lies in shards."""
        return Skipped(f"{self.name} cannot be sharded into {request.shards}")

    def eval(self, request: Request) -> Response:
        """Answers one request; what the function raises becomes the answer."""
        function = self.functions.get(request.operation)
        if function is None:
            return NotImplementedOperation(f"no {request.operation}")
        unknown = _unknown_arguments(function, request)
        if unknown:
            return NotImplementedOperation(f"no argument {', '.join(unknown)}")
        try:
            return self.sharded(request) if request.shards else self.call(request)
        except NotImplementedError as error:
            return NotImplementedOperation(_first_line(error) or "not implemented")
        except Exception as error:
            if _knows_no_parts(request, error):
                return NotImplementedOperation("no reduction 'parts'")
            return Errored(type(error).__name__, _first_line(error))

    def release(self) -> None:  # noqa: B027 - most frameworks keep little
        """Gives back memory that grows with the number of requests."""

    def stop(self) -> None:  # noqa: B027 - functions hold no resources to release
        """Does nothing."""


def _knows_no_parts(request: Request, error: Exception) -> bool:
    """Whether a function only lacks the one reduction that is ours alone."""
    words = str(error).lower()
    return request.reduction == "parts" and ("parts" in words or "reduction" in words)


def _unknown_arguments(function: Callable[..., Any], request: Request) -> list[str]:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return []
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return []
    named = {**request.inputs, **request.params, **request.arrays}
    keywords = {*arguments(request, named)[1], *request.named_reduction}
    return [repr(k) for k in sorted(keywords) if k not in parameters]


def arguments(
    request: Request, named: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Arranges named numbers as the specification's signatures want them.

    Args:
        request: What is asked.
        named: Inputs, arrays and parameters by name.

    Returns:
        Arguments without a name, and those with one.
    """
    keywords = dict(named)
    positional = [keywords.pop(name) for name in request.positional]
    state = tuple(keywords.pop(name) for name in STATE if name in keywords)
    return positional, {**keywords, **({"state": state} if state else {})}


def bind(
    function: Callable[..., Any], request: Request
) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Makes a function from named arrays to named outputs.

    Args:
        function: A function with the signature of the request's operation.
        request: What is asked.

    Returns:
        The function; its parameters and its reduction are those of the request.
    """
    params, reduction = dict(request.params), request.named_reduction
    returns, in_parts = request.returns, request.reduction == "parts"

    def run(arrays: Mapping[str, Any]) -> dict[str, Any]:
        positional, keywords = arguments(request, {**params, **arrays})
        found = function(*positional, **keywords, **reduction)
        if returns == "selection":
            indices, mask = found
            return {"indices": indices, "mask": mask}
        outputs = {}
        if returns == "loss_and_state":
            found, (counts, updates) = found
            outputs = {"state_counts": counts, "state_updates": updates}
        if in_parts:
            found, outputs["normalizer"] = found
        return {"value": found, **outputs}

    return run


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "")[:300]
