"""What families yield: points that share a setting, and how their inputs are made.

Everything is deterministic: grids are written out, draws come from raw PCG64 bits,
whose stream NumPy guarantees. The result is frozen as bits in the vectors anyway.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Inputs = dict[str, Array]

# Past every block size; the last but one also past the counts that float16 holds.
REDUCTION_SIZES = (1, 2, 7, 1023, 1025, 70001)
LARGEST = 1_000_003
HARD = (0.0, 1.0)


@dataclass(frozen=True)
class Setting:
    """Keyword arguments of one group: numbers and strings, and arrays."""

    params: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The setting as it stands in paths, ``gamma=2;alpha=0.25``."""
        parts = [f"{k}={_short(v)}" for k, v in self.params.items()]
        # A state is long; what tells it from others is said by the variant.
        parts += [
            "state"
            if k == "state_counts"
            else f"{k}=({','.join(_short(float(v)) for v in a.ravel())})"
            for k, a in self.arrays.items()
            if k != "state_updates"
        ]
        return ";".join(parts) or "default"


@dataclass(frozen=True)
class Points:
    """Inputs that are evaluated together.

    Attributes:
        family: Why these inputs are tried.
        setting: Keyword arguments they share.
        inputs: Arrays by argument name.
        exact_in: Narrowest dtype that represents them.
        variant: What else tells them from others of their family and setting.
        kinds: Inputs and arrays that are no real numbers: ``"index"`` or ``"mask"``.
        rows: Inputs that have the class axis; the others lack it.
    """

    family: str
    setting: Setting
    inputs: Inputs
    exact_in: str = "bfloat16"
    variant: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the unreduced output: that of the inputs without the class axis."""
        name, values = next(iter(self.inputs.items()))
        if name not in self.rows:
            return values.shape
        return tuple(np.delete(values.shape, self.class_axis).tolist())

    @property
    def class_axis(self) -> int:
        """Axis along which the classes of an example lie."""
        return self.setting.params.get("class_axis", -1)

    def points(self) -> Iterator[dict[str, Any]]:
        """Yields the inputs of every example in C order, as numbers or lists."""
        columns = {}
        for name, values in self.inputs.items():
            if name in self.rows:
                last = np.moveaxis(values, self.class_axis, -1)
                columns[name] = last.reshape(-1, last.shape[-1]).tolist()
            else:
                columns[name] = values.ravel().tolist()
        for row in zip(*columns.values(), strict=True):
            yield dict(zip(columns, row, strict=True))


@dataclass(frozen=True)
class GroupSpec(Points):
    """Points that share a setting; evaluated in one call."""

    policy: str = "value"

    @property
    def label(self) -> str:
        """Last part of the path: setting, variant, and dtype unless bfloat16."""
        dtype = "" if self.exact_in == "bfloat16" else self.exact_in
        return ";".join(p for p in (self.setting.label, self.variant, dtype) if p)


@dataclass(frozen=True)
class SumSpec(Points):
    """Points repeated to a given number of elements and reduced."""

    tile: int = 0

    @property
    def label(self) -> str:
        """Last part of the path."""
        parts = (self.setting.label, self.variant, f"n={self.tile}")
        return ";".join(p for p in parts if p)


class Cases(Protocol):
    """All points of one operation."""

    def groups(self) -> Iterator[GroupSpec]:
        """Yields every group of points."""
        ...

    def sum_cases(self) -> Iterator[SumSpec]:
        """Yields every reduction."""
        ...


def setting(**arguments: Any) -> Setting:
    """Makes a setting: lists become arrays, everything else a parameter."""
    arrays = {k: v for k, v in arguments.items() if isinstance(v, list | np.ndarray)}
    return Setting(
        {k: v for k, v in arguments.items() if k not in arrays},
        {k: np.asarray(v, dtype=np.float64) for k, v in arrays.items()},
    )


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def nearest(values: ArrayLike, dtype: str) -> Array:
    """Rounds to the nearest number of the dtype, as float64."""
    wide = np.asarray(values, dtype=np.float64)
    if dtype == "float64":
        return wide
    single = wide.astype(np.float32)
    if dtype == "bfloat16":
        bits = single.view(np.uint32)
        rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
        single = (rounded & np.uint32(0xFFFF0000)).view(np.float32)
    return single.astype(np.float64)


def draw(seed: int, n: int, low: float, high: float, dtype: str) -> Array:
    """Draws uniform numbers of the dtype."""
    raw = np.random.PCG64(seed).random_raw(n)
    unit = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return nearest(low + (high - low) * unit, dtype)


def signed(*magnitudes: float) -> Array:
    """Every magnitude with both signs."""
    return np.array([s * m for m in magnitudes for s in (1.0, -1.0)])


def reductions(
    usual: Points,
    settings: tuple[Setting, ...],
    lopsided: Inputs,
    lopsided_in: str = "",
) -> Iterator[SumSpec]:
    """REDUCTION and EMPTY: uneven points, tiled past every block size.

    Args:
        usual: Points to repeat under every setting; their own is not used.
        settings: Arrays in them are those whose gradients are wanted.
        lopsided: Points whose losses differ by many orders of magnitude, tried with
            the first setting, as is the largest size.
        lopsided_in: Narrowest dtype that represents them, if not that of the others.
    """
    shared: dict[str, Any] = {
        "exact_in": usual.exact_in,
        "kinds": usual.kinds,
        "rows": usual.rows,
    }
    for chosen in settings:
        yield SumSpec("empty", chosen, usual.inputs, tile=0, **shared)
        sizes = (*REDUCTION_SIZES, *((LARGEST,) if chosen is settings[0] else ()))
        for size in sizes:
            yield SumSpec("reduction", chosen, usual.inputs, tile=size, **shared)
    if lopsided_in:
        shared["exact_in"] = lopsided_in
    for size in (1023, 70001):
        yield SumSpec(
            "reduction",
            settings[0],
            lopsided,
            tile=size,
            variant="lopsided",
            **shared,
        )
