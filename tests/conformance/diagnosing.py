"""Implementations with one mistake each, to be named by the diagnosis."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor

import refimpl
import torch_impl
from conformance.adapters import from_functions
from conformance.plan import Judged, Options, choose, units
from conformance.profiles import Result, batches, evaluate

PROFILES = ("accuracy", "gradients", "reductions")


def results(
    function: Callable[..., Any],
    operation: str,
    select: str,
    profiles: tuple[str, ...] = PROFILES,
) -> Iterator[Result]:
    """Judges a function in PyTorch, run eagerly, as a run of the suite does."""
    adapter = from_functions({operation: function}, framework="torch")
    capabilities = replace(adapter.start(), transforms=("eager",))
    one = Judged("candidate", adapter, capabilities, "cpu")
    options = Options(select=f"{operation}/{select}")
    cases = choose(options)
    for profile in profiles:
        for batch in batches(units(one, profile, cases, options)):
            yield from evaluate(batch, adapter, one.name, one.device, one.limit)


def _map(change: Callable[[Any], Any], found: Any) -> Any:
    """Changes the loss in whatever a function returns."""
    if isinstance(found, tuple):
        return (_map(change, found[0]), *found[1:])
    return change(found)


def scaled(operation: str, factor: Any) -> Callable[..., Any]:
    """Every loss times a factor of the call."""
    own = getattr(torch_impl, operation)

    def loss(first: Tensor, second: Tensor, **options: Any) -> Any:
        value = factor(first, second, options) if callable(factor) else factor
        return _map(lambda found: found * value, own(first, second, **options))

    return loss


def rewritten(operation: str, **changes: Any) -> Callable[..., Any]:
    """The loss of a call with other options."""
    own = getattr(torch_impl, operation)

    def loss(first: Tensor, second: Tensor, **options: Any) -> Any:
        new = {k: v(options.get(k)) for k, v in changes.items() if k in options}
        return own(first, second, **{**options, **new})

    return loss


def mean_by(operation: str, divisor: Callable[..., Any]) -> Callable[..., Any]:
    """A mean over something else."""
    own = getattr(torch_impl, operation)

    def loss(
        first: Tensor, second: Tensor, *, reduction: str = "mean", **options: Any
    ) -> Any:
        if reduction != "mean":
            return own(first, second, reduction=reduction, **options)
        total = own(first, second, reduction="sum", **options)
        return total / divisor(first, second, options)

    return loss


def of_inputs(operation: str, change: Callable[..., Any]) -> Callable[..., Any]:
    """The loss of other scores and labels."""
    own = getattr(torch_impl, operation)
    return lambda x, y, **options: own(*change(x, y), **options)


def of_output(operation: str, change: Callable[[Tensor], Tensor]) -> Callable[..., Any]:
    """The unreduced loss, changed; sums and means are right."""
    own = getattr(torch_impl, operation)

    def loss(first: Tensor, second: Tensor, **options: Any) -> Any:
        found = own(first, second, **options)
        return _map(change, found) if options.get("reduction") == "none" else found

    return loss


def only(function: Callable[..., Tensor]) -> Callable[..., Any]:
    """A plain loss of logits and labels that reduces in the plain way."""

    def loss(first: Tensor, second: Tensor, *, reduction: str = "mean") -> Any:
        each = function(first, second)
        if reduction == "parts":
            return each.sum(), torch.ones((), dtype=each.dtype) * each.numel()
        return each if reduction == "none" else getattr(each, reduction)()

    return loss


def clipped(epsilon: float) -> Callable[..., Any]:
    """BCE of probabilities that are kept away from 0 and 1."""

    def each(x: Tensor, y: Tensor) -> Tensor:
        p = torch.sigmoid(x).clamp(epsilon, 1 - epsilon)
        return -(y * torch.log(p) + (1 - y) * torch.log1p(-p))

    return only(each)


def clipped_focal(
    x: Tensor,
    y: Tensor,
    *,
    alpha: Any = None,
    gamma: Any = 2.0,
    reduction: str = "mean",
) -> Any:
    """A focal loss of probabilities kept above 1e-7."""
    p = torch.sigmoid(x).clamp(1e-7, 1 - 1e-7)
    pt = y * p + (1 - y) * (1 - p)
    weight = 1 if alpha is None else y * alpha + (1 - y) * (1 - alpha)
    each = -weight * (1 - pt) ** gamma * torch.log(pt)
    return each if reduction == "none" else getattr(each, reduction)()


def textbook_focal(
    x: Tensor, y: Tensor, *, gamma: Any = 2.0, reduction: str = "mean"
) -> Any:
    """The formula as it stands in the paper."""
    each = F.binary_cross_entropy_with_logits(x, y, reduction="none")
    each = (1 - torch.exp(-each)) ** gamma * each
    return each if reduction == "none" else getattr(each, reduction)()


def noisy(size: float) -> Callable[..., Any]:
    """A focal loss with errors of no pattern."""
    own = torch_impl.sigmoid_focal_loss

    def loss(x: Tensor, y: Tensor, **options: Any) -> Any:
        draws = np.random.default_rng(7).uniform(-1, 1, x.shape)
        noise = 1 + size * torch.as_tensor(draws, dtype=x.dtype)
        found = own(x, y, **options)
        return found * noise if found.ndim else found * noise.flatten()[0]

    return loss


def _halved(logits: Any, labels: Any, **options: Any) -> Any:
    return _map(lambda a: a / 2, refimpl.sigmoid_focal_loss(logits, labels, **options))


# In NumPy, for the command line.
halved = from_functions({"sigmoid_focal_loss": _halved}, framework="numpy")


def diagnoses(
    function: Callable[..., Any], operation: str, select: str, output: str
) -> set[str]:
    """What is said of every failed result about an output; some must fail."""
    found = [*results(function, operation, select)]
    failed = [r for r in found if r.status == "fail" and r.output == output]
    assert failed, {(r.output, r.status) for r in found}
    return {r.diagnosis for r in failed}


def says(diagnosis: str, phrase: str) -> bool:
    """Whether the parts of a phrase stand there in their order."""
    at = 0
    for part in phrase.split("*"):
        at = diagnosis.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True
