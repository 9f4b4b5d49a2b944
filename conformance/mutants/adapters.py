"""Adapters that would like to pass without computing anything."""

from collections.abc import Callable
from typing import Any

import numpy as np

from conformance.adapters import (
    Capabilities,
    NotImplementedOperation,
    Outputs,
    Request,
    Response,
    Skipped,
    resolve,
)
from conformance.profiles.points import FOCAL
from conformance.vectors import Group, load

Answer = Callable[[Request], Response]
Stored = dict[Any, dict[str, float]]


class Dishonest:
    """Claims what the reference claims for one operation."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def start(self) -> Capabilities:
        """Says what it claims."""
        return Capabilities(
            name="dishonest",
            version="0",
            framework="numpy",
            dtypes=("float64",),
            devices=("cpu",),
            transforms=("eager",),
            operations=(FOCAL,),
            autodiff=False,
        )

    def eval(self, request: Request) -> Response:
        """Answers one request."""
        return self._answer(request)

    def stop(self) -> None:
        """Does nothing."""


def _settings(case: Group | Request) -> Any:
    arrays = tuple((k, v.tobytes()) for k, v in sorted(case.arrays.items()))
    return tuple(sorted(case.params.items())), arrays, tuple(sorted(case.inputs))


def _stored() -> Stored:
    """What the vectors say, by arguments and point."""
    found: Stored = {}
    for group in load(FOCAL).groups:
        if group.policy != "value" or len(group.shape) != 1:
            continue
        names = sorted(group.inputs)
        for i, row in enumerate(zip(*(group.inputs[k] for k in names), strict=True)):
            outputs = {k: float(e.hi[i]) for k, e in group.expected.items()}
            found[_settings(group), np.array(row).tobytes()] = outputs
    return found


def _echo(otherwise: float | None) -> Answer:
    """Makes an adapter that looks everything up; unknown points are a number or not."""
    known: Stored = {}

    def answer(request: Request) -> Response:
        if not known:
            known.update(_stored())
        if request.reduction not in ("none", "sum"):
            return NotImplementedOperation("no mean")
        names = sorted(request.inputs)
        arrays = {name: [] for name in request.want}
        for row in zip(*(request.inputs[k].ravel() for k in names), strict=True):
            outputs = known.get((_settings(request), np.array(row).tobytes()))
            if outputs is None and otherwise is None:
                return NotImplementedOperation("not among the points that I know")
            for name, column in arrays.items():
                column.append((outputs or {}).get(name, otherwise))
        found = {k: np.array(v, np.float64) for k, v in arrays.items()}
        if request.reduction == "sum" and "value" in found:
            found["value"] = found["value"].sum()
        return Outputs(found, dict.fromkeys(found, "float64"))

    return answer


def _sometimes(request: Request) -> Response:
    """The reference's answers to calls with alpha, and none to others."""
    if "alpha" not in request.params:
        return NotImplementedOperation("not today")
    return resolve("numpy").eval(request)


echo = Dishonest(_echo(None))
echo_or_zero = Dishonest(_echo(0.0))
skipping = Dishonest(lambda _: Skipped("no time"))
declining = Dishonest(_sometimes)
