"""Puts units that differ only in their points into one call."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.adapters import Outputs, Request
from conformance.adapters.protocol import Array
from conformance.profiles.check import Check
from conformance.profiles.unit import WIDTH, Unit, divisible
from conformance.vectors import SumCase

# Upstream gradients that scale without rounding. None exceeds 1, which would magnify
# what was rightly flushed to zero.
UPSTREAM = (1.0, -0.5, 0.25, -1.0, 0.125)
# Directions likewise, of another period.
TANGENT = (0.5, -1.0, 1.0, -0.25)
DIRECTED = ("jvp", "hessian")


@dataclass(frozen=True)
class Batch:
    """Units that share a call, and where the points of each lie in it.

    Attributes:
        inputs: Inputs of the call, padded.
        shape: Shape of its unreduced output.
        slices: Points of each unit, along the first axis.
    """

    units: tuple[Unit, ...]
    inputs: dict[str, Array]
    shape: tuple[int, ...]
    slices: tuple[slice, ...]

    @property
    def size(self) -> int:
        """Number of elements of the call, padding included."""
        return math.prod(self.shape)

    @property
    def upstream(self) -> Array:
        """Upstream gradient of every element."""
        return np.resize(UPSTREAM, self.size).reshape(self.shape)

    @property
    def tangent(self) -> Array:
        """Direction in the space of the first argument."""
        first = self.inputs[self.units[0].record.positional[0]]
        return np.resize(TANGENT, first.size).reshape(first.shape)

    def request(self, device: str) -> Request:
        """The call that answers all units."""
        unit = self.units[0]
        params = {k: v for k, v in unit.case.params.items() if k not in unit.traced}
        if unit.transform == "vmap" and params.get("class_axis", -1) >= 0:
            params["class_axis"] -= 1  # the first axis is the mapped one
        traced = {k: np.asarray(unit.case.params[k], float) for k in unit.traced}
        return Request(
            operation=unit.operation,
            inputs=self.inputs,
            positional=unit.record.positional,
            kinds=unit.case.kinds,
            params=params,
            arrays={**unit.case.arrays, **traced},
            dtype=unit.dtype,
            reduction="" if unit.by_default else unit.reduction,
            device=device,
            transform=unit.transform,
            returns=unit.record.returns,
            want=tuple(sorted({*unit.want, *unit.also})),
            cotangent=self.upstream if unit.weighted else None,
            tangent=self.tangent if unit.transform in DIRECTED else None,
        )

    def part(self, outputs: Outputs, i: int) -> Outputs:
        """The outputs that belong to unit ``i``."""
        points = self.shape[:1]
        arrays = {
            k: v[self.slices[i]] if v.shape[:1] == points and points else v
            for k, v in outputs.arrays.items()
        }
        return Outputs(arrays, outputs.dtypes, outputs.traces)


def apart(batch: Batch) -> Iterator[Batch]:
    """Takes a batch apart into one for each unit, of the same width."""
    return (_joined([unit]) for unit in batch.units)


def batches(units: Iterable[Unit | Check]) -> Iterator[Batch | Check]:
    """Groups units into calls.

    Args:
        units: Units and checks of one implementation.

    Yields:
        Batches that together hold every unit once, and the checks as they are.
    """
    waiting: dict[Any, list[Unit]] = {}
    for unit in units:
        if isinstance(unit, Check):
            yield unit
            continue
        case = unit.case
        if isinstance(case, SumCase) or not divisible(unit.record, case):
            yield Batch((unit,), dict(case.inputs), case.shape, (slice(None),))
            continue
        same = waiting.setdefault(_call(unit), [])
        if same and sum(len(u.ids) for u in [*same, unit]) > WIDTH:
            yield _joined(same)
            same.clear()
        same.append(unit)
    for same in waiting.values():
        yield _joined(same)


def _call(unit: Unit) -> tuple[Any, ...]:
    """Everything in which units of one call must agree."""
    case = unit.case
    return (
        unit.profile,
        unit.operation,
        unit.dtype,
        unit.want,
        unit.also,
        unit.transform,
        unit.reduction,
        unit.traced,
        unit.weighted,
        tuple((k, v.shape[1:]) for k, v in case.inputs.items()),
        tuple(sorted(case.kinds.items())),
        tuple(sorted(case.params.items())),
        tuple((k, v.tobytes(), v.shape) for k, v in sorted(case.arrays.items())),
        unit.bad,
    )


def _joined(units: list[Unit]) -> Batch:
    ends = np.cumsum([0, *(len(unit.ids) for unit in units)])
    width = -(-int(ends[-1]) // WIDTH) * WIDTH
    inputs = {}
    for name in units[0].case.inputs:
        points = np.concatenate([unit.case.inputs[name] for unit in units])
        padding = [(0, width - len(points)), *[(0, 0)] * (points.ndim - 1)]
        inputs[name] = np.pad(points, padding, mode="edge")
    slices = tuple(slice(int(a), int(b)) for a, b in pairwise(ends))
    return Batch(tuple(units), inputs, (width,), slices)
