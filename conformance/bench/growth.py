"""How times grow: the same contenders along sizes or numbers of classes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Series:
    """Median times of one loss along one axis.

    Attributes:
        loss: Name of the loss.
        dtype: Of the logits.
        axis: ``"N"`` or ``"K"``.
        at: Sizes or numbers of classes, rising.
        floor: Seconds that the copy takes at each of them.
        seconds: By contender; None where it failed.
    """

    loss: str
    dtype: str
    axis: str
    at: list[int] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    seconds: dict[str, list[float | None]] = field(default_factory=dict)


def series(cells: Mapping[str, Mapping[str, Any]]) -> list[Series]:
    """Collects the cells that differ in size, or in the number of classes, alone."""
    found: dict[str, Series] = {}
    for name, cell in cells.items():
        if "contenders" in cell:
            group, _, value = name.partition("=")
            loss, dtype, axis = group.split("/")
            line = found.setdefault(group, Series(loss, dtype, axis))
            _append(line, int(value), cell)
    return list(found.values())


def slope(at: Sequence[int], seconds: Sequence[float | None]) -> float | None:
    """Returns the exponent of growth between the last two points that exist."""
    points = [(x, y) for x, y in zip(at, seconds, strict=True) if y is not None]
    if len(points) < 2:
        return None
    (x1, y1), (x2, y2) = points[-2:]
    return math.log(y2 / y1) / math.log(x2 / x1)


def _append(line: Series, value: int, cell: Mapping[str, Any]) -> None:
    line.at.append(value)
    line.floor.append(cell["floor_seconds"]["median"])
    times = {c["name"]: c.get("seconds", {}).get("median") for c in cell["contenders"]}
    for name in {**line.seconds, **times}:
        known = line.seconds.setdefault(name, [None] * (len(line.at) - 1))
        known.append(times.get(name))
