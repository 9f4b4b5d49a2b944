"""Puts units that differ only in their points into one call."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from conformance.adapters import Outputs, Request
from conformance.adapters.protocol import Array
from conformance.profiles.unit import WIDTH, Unit
from conformance.vectors import SumCase

# Upstream gradients that scale without rounding. None exceeds 1, which would magnify
# what was rightly flushed to zero.
UPSTREAM = (1.0, -0.5, 0.25, -1.0, 0.125)


@dataclass(frozen=True)
class Batch:
    """Units that share a call, and where the points of each lie in it."""

    units: tuple[Unit, ...]
    inputs: dict[str, Array]
    slices: tuple[slice, ...]

    @property
    def size(self) -> int:
        """Number of elements of the call, padding included."""
        return self.inputs["logits"].size

    @property
    def upstream(self) -> Array:
        """Upstream gradient of every element, shaped like the logits."""
        logits = self.inputs["logits"]
        return np.resize(UPSTREAM, logits.size).reshape(logits.shape)

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
            params=params,
            arrays={**unit.case.arrays, **traced},
            dtype=unit.dtype,
            reduction="" if unit.by_default else unit.reduction,
            device=device,
            transform=unit.transform,
            want=unit.want,
            cotangent=self.upstream if unit.weighted else None,
        )

    def part(self, outputs: Outputs, i: int) -> Outputs:
        """The outputs that belong to unit ``i``."""
        shape = self.inputs["logits"].shape
        arrays = {
            k: v[self.slices[i]] if v.shape == shape and shape else v
            for k, v in outputs.arrays.items()
        }
        return Outputs(arrays, outputs.dtypes, outputs.traces)


def batches(units: Iterable[Unit]) -> Iterator[Batch]:
    """Groups units into calls.

    Args:
        units: Units of one implementation.

    Yields:
        Batches that together hold every unit once.
    """
    waiting: dict[Any, list[Unit]] = {}
    for unit in units:
        if isinstance(unit.case, SumCase) or len(unit.case.shape) != 1:
            yield Batch((unit,), dict(unit.case.inputs), (slice(None),))
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
        unit.transform,
        unit.reduction,
        unit.traced,
        unit.weighted,
        tuple(case.inputs),
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
        inputs[name] = np.pad(points, (0, width - points.size), mode="edge")
    slices = tuple(slice(int(a), int(b)) for a, b in pairwise(ends))
    return Batch(tuple(units), inputs, slices)
