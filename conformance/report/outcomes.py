"""What ``conformance compare`` found: trainings against each other."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Lockstep:
    """Distances to the reference after every update, on one set of data.

    Attributes:
        data: Name of the data.
        strategy: Name of the strategy.
        bound: Largest distance that passes, after every update.
        shadow: How far the reference is from itself, moved by one ulp.
        distances: Of every backend.
        verdicts: Of every backend.
        horizon: Updates that are judged.
    """

    data: str
    strategy: str
    bound: tuple[float, ...]
    shadow: tuple[float, ...]
    distances: Mapping[str, tuple[float, ...]]
    verdicts: Mapping[str, str]
    horizon: int

    def share(self, backend: str) -> float | None:
        """Largest part of what is allowed, up to the horizon; None without one."""
        pairs = zip(self.distances[backend], self.bound, strict=True)
        # A distance that is not known is as bad as any.
        shares = [d / b if d == d and b > 0 else math.inf for d, b in pairs]
        return max(shares[: self.horizon], default=None)


@dataclass(frozen=True)
class Interval:
    """The difference of two backends over paired seeds.

    Attributes:
        data: Name of the data.
        strategy: Name of the strategy.
        pair: The backends, as in ``torch - numpy``.
        metric: What was compared.
        n: Number of seeds.
        mean: Mean difference.
        level: Coverage of the interval.
        low: Its lower end; None without one.
        high: Upper end.
        margin: Largest mean that counts as none.
        verdict: ``equivalent``, ``different`` or ``undetermined``.
    """

    data: str
    strategy: str
    pair: str
    metric: str
    n: int
    mean: float
    level: float
    low: float | None
    high: float | None
    margin: float
    verdict: str


@dataclass(frozen=True)
class Outcome:
    """What became of one recipe.

    Attributes:
        recipe: Its name.
        verdict: ``"pass"`` or ``"fail"``.
        failures: Why it is no pass.
        source: Digest of the code that was judged.
        quick: Whether it had fewer seeds than the recipe asks for.
        lockstep: On every set of data, with every strategy.
        intervals: Of every pair of backends, likewise.
    """

    recipe: str
    verdict: str
    failures: tuple[str, ...]
    source: str
    quick: bool
    lockstep: tuple[Lockstep, ...] = field(default=())
    intervals: tuple[Interval, ...] = field(default=())


def parse(record: Mapping[str, Any]) -> Outcome:
    """Reads what the command wrote.

    Args:
        record: The JSON object.

    Returns:
        The outcome.

    Raises:
        KeyError: Something is missing.
        TypeError: Something is of another type.
        ValueError: A number is none, or distances and bound differ in length.
    """
    data: Mapping[str, Any] = record["data"]
    return Outcome(
        recipe=str(record["recipe"].get("name", "")),
        verdict=str(record["verdict"]),
        failures=tuple(map(str, record.get("failures") or ())),
        source=str(record.get("source") or ""),
        quick=bool(record.get("quick")),
        lockstep=tuple(
            _lockstep(name, strategy, cell)
            for name, found in data.items()
            for strategy, cell in found["lockstep"].items()
        ),
        intervals=tuple(
            _interval(name, row)
            for name, found in data.items()
            for row in found["equivalence"]
        ),
    )


def _lockstep(data: str, strategy: str, cell: Mapping[str, Any]) -> Lockstep:
    bound = _numbers(cell["bound"])
    distances = {name: _numbers(line) for name, line in cell["distances"].items()}
    if any(len(line) != len(bound) for line in distances.values()):
        raise ValueError(f"distances of {data} {strategy} and their bound differ")
    return Lockstep(
        data=data,
        strategy=strategy,
        bound=bound,
        shadow=_numbers(cell["shadow"]),
        distances=distances,
        verdicts=dict(cell["verdict"]),
        horizon=int(cell["horizon"]),
    )


def _interval(data: str, row: Mapping[str, Any]) -> Interval:
    mean, low, high = _numbers((row["mean"], row["low"], row["high"]))
    return Interval(
        data=data,
        strategy=str(row["strategy"]),
        pair=f"{row['second']} - {row['first']}",
        metric=str(row.get("metric", "")),
        n=int(row["n"]),
        mean=mean,
        # Older outcomes do not say it: two one-sided tests at 5 % have this one.
        level=float(row.get("level", 0.9)),
        low=None if math.isnan(low) else low,
        high=None if math.isnan(high) else high,
        margin=float(row["margin"]),
        verdict=str(row["verdict"]),
    )


def _numbers(line: Iterable[float | None]) -> tuple[float, ...]:
    """Reads numbers; null stands for those that JSON does not have."""
    return tuple(math.nan if value is None else float(value) for value in line)
