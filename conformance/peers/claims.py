"""What the wrappers share: claims, and what a library does not offer."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from conformance.adapters import (
    Adapter,
    Capabilities,
    NotImplementedOperation,
    Request,
    Response,
)
from conformance.adapters.functions import Functions, from_functions

TRANSFORMS = ("hessian",)


class Claiming:
    """An adapter that claims few transforms; the others are the framework's affair."""

    def __init__(
        self,
        adapter: Adapter,
        transforms: Sequence[str],
        *,
        lacking: Mapping[str, Sequence[str]] = MappingProxyType({}),
        quiet: Sequence[str] = (),
    ) -> None:
        """Takes an adapter.

        Args:
            adapter: The adapter.
            transforms: What it claims.
            lacking: Outputs that the library says it does not have, by operation.
            quiet: Beginnings of warnings about calls that are meant as they are.
        """
        self._adapter = adapter
        self._transforms = tuple(transforms)
        self._lacking = lacking
        self._quiet = tuple(quiet)

    def start(self) -> Capabilities:
        """Says what is claimed."""
        return replace(self._adapter.start(), transforms=self._transforms)

    def eval(self, request: Request) -> Response:
        """Answers one request, without the outputs that are lacking."""
        lacking = self._lacking.get(request.operation, ())
        want = tuple(name for name in request.want if name not in lacking)
        if not want:
            return NotImplementedOperation(f"no {', '.join(request.want)}")
        asked = request if want == request.want else replace(request, want=want)
        if not self._quiet:
            return self._adapter.eval(asked)
        with warnings.catch_warnings():
            for message in self._quiet:
                warnings.filterwarnings("ignore", message)
            return self._adapter.eval(asked)

    def stop(self) -> None:
        """Releases what ``start`` took."""
        self._adapter.stop()


def on_torch(
    functions: Functions,
    *,
    name: str,
    version: str,
    lacking: Mapping[str, Sequence[str]] = MappingProxyType({}),
    quiet: Sequence[str] = (),
) -> Claiming:
    """Makes the adapter of wrappers around PyTorch functions; see :class:`Claiming`."""
    inner = from_functions(functions, framework="torch", name=name, version=version)
    return Claiming(inner, TRANSFORMS, lacking=lacking, quiet=quiet)


def not_in_parts(reduction: Any) -> None:
    """Refuses what only our own functions offer.

    Args:
        reduction: Reduction asked for.

    Raises:
        NotImplementedError: It is ``"parts"``.
    """
    if reduction == "parts":
        raise NotImplementedError("no reduction 'parts'")


def axis_of(array: Any, class_axis: Any) -> int:
    """Returns an axis that is moved to where the library wants it.

    Args:
        array: What has the axis.
        class_axis: The axis, as a library without such an argument is not told.

    Raises:
        NotImplementedError: There is no such axis, which is not the library's to say.
    """
    real = type(class_axis) is int and -array.ndim <= class_axis < array.ndim
    if not real:
        raise NotImplementedError("no argument 'class_axis'")
    return class_axis % array.ndim


def classes_second(
    logits: Any, class_axis: Any, normalizer: str, reduction: str
) -> Any:
    """Moves classes to axis 1, for losses over classes that divide by count alone.

    Args:
        logits: Logits, classes along some axis.
        class_axis: The axis.
        normalizer: What a mean should divide by.
        reduction: Reduction asked for.

    Returns:
        The logits, classes along axis 1.

    Raises:
        NotImplementedError: Something is asked for that only our own functions offer.
    """
    not_in_parts(reduction)
    axis = axis_of(logits, class_axis)
    if normalizer != "count" and (reduction == "mean" or normalizer != "weights"):
        raise NotImplementedError("no argument 'normalizer'")
    return logits.movedim(axis, 1)


def reduced(loss: Any, reduction: str) -> Any:
    """Sums or averages for formulas that are copied with these two lines.

    Args:
        loss: Loss of each element.
        reduction: Reduction asked for.

    Returns:
        The loss, reduced.

    Raises:
        ValueError: Unknown reduction.
    """
    not_in_parts(reduction)
    by_name: dict[str, Callable[[], Any]] = {
        "none": lambda: loss,
        "sum": lambda: loss.sum(),
        "mean": lambda: loss.mean(),
    }
    if reduction not in by_name:
        raise ValueError(f"invalid reduction {reduction!r}")
    return by_name[reduction]()
