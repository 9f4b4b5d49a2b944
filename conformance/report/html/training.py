"""Distances of trainings against their bounds, and seed intervals against margins."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.profiles import Result
from conformance.report.html.axes import Scale, Ticks, line, thinned
from conformance.report.outcomes import Interval, Lockstep, Outcome
from conformance.report.wording import units

WIDTH, HEIGHT = 280, 180
LEFT, RIGHT, TOP, BOTTOM = 50, 8, 8, 40
# A row of an interval, and the room for its name beside it.
ROW, NAMES, WIDE = 22, 215, 560


@dataclass(frozen=True)
class Line:
    """A line; ``place`` decides its colour."""

    name: str
    place: int
    path: str


@dataclass(frozen=True)
class Panel:
    """Distances with one strategy on one set of data."""

    title: str
    x_ticks: Ticks
    y_ticks: Ticks
    bound: str
    shadow: str
    horizon: float
    lines: tuple[Line, ...]
    verdicts: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Bar:
    """An interval: its ends, its mean and its verdict."""

    name: str
    y: float
    low: float
    high: float
    mean: float
    verdict: str
    text: str


@dataclass(frozen=True)
class Forest:
    """Intervals of one set of data, with the margin that they are to lie within."""

    title: str
    x_ticks: Ticks
    height: float
    low: float
    high: float
    bars: tuple[Bar, ...]


def panels(outcome: Outcome, backends: Sequence[str]) -> list[Panel]:
    """Draws every lockstep of a recipe.

    Args:
        outcome: Of the recipe.
        backends: In the order of their colours.
    """
    return [_panel(one, backends) for one in outcome.lockstep if one.bound]


def descents(results: Iterable[Result], impls: Sequence[str]) -> list[Panel]:
    """Draws the profile of training, an operation and dtype at a time.

    Args:
        results: Of a run.
        impls: Implementations in the order of their colours.

    Returns:
        Distances from the reference after every step, in shares of what is allowed.
    """
    found: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.profile == "training" and result.curve:
            found.setdefault((result.operation, result.dtype), []).append(result)
    return [_descent(*key, own, impls) for key, own in found.items()]


def _descent(
    operation: str, dtype: str, own: Sequence[Result], impls: Sequence[str]
) -> Panel:
    distances = {one.impl: tuple(share for _, share in one.curve) for one in own}
    steps = max(map(len, distances.values()))
    one = Lockstep(
        data=operation,
        strategy=dtype,
        bound=(1.0,) * steps,
        shadow=(),
        distances=distances,
        verdicts={one.impl: one.status for one in own},
        horizon=steps,
    )
    return _panel(one, impls)


def _panel(one: Lockstep, backends: Sequence[str]) -> Panel:
    lines = (one.bound, one.shadow, *one.distances.values())
    known = [d for each in lines for d in each if math.isfinite(d) and d > 0]
    low, high = min(known, default=1e-16), max(known, default=1.0)
    x = Scale(1, len(one.bound), LEFT, WIDTH - RIGHT)
    y = Scale(low / 2, high * 2, HEIGHT - BOTTOM, TOP, "log")

    def path(numbers: Sequence[float]) -> str:
        steps = enumerate(numbers, 1)
        return line(thinned([(x(i), d if math.isnan(d) else y(d)) for i, d in steps]))

    return Panel(
        title=f"{one.data}: {one.strategy}",
        x_ticks=x.ticks(50),
        y_ticks=y.ticks(24),
        bound=path(one.bound),
        shadow=path(one.shadow),
        horizon=x(one.horizon),
        lines=tuple(
            Line(name, _place(name, backends), path(distances))
            for name, distances in one.distances.items()
        ),
        verdicts=tuple(
            (name, verdict, units(one.share(name)))
            for name, verdict in one.verdicts.items()
            if name in one.distances
        ),
    )


def _place(name: str, backends: Sequence[str]) -> int:
    return backends.index(name) if name in backends else len(backends)


def forests(outcome: Outcome) -> list[Forest]:
    """Draws the intervals of a recipe, a figure for each set of data."""
    names = dict.fromkeys(one.data for one in outcome.intervals)
    return [
        _forest(name, [one for one in outcome.intervals if one.data == name])
        for name in names
    ]


def _forest(data: str, intervals: Sequence[Interval]) -> Forest:
    margin = max(one.margin for one in intervals)
    ends = [abs(v) for one in intervals for v in (one.low, one.high, one.mean) if v]
    edge = 1.15 * max(margin, min(max(ends, default=0.0), 4 * margin))
    x = Scale(-edge, edge, NAMES, WIDE - 8)
    return Forest(
        title=f"{data}: difference in {intervals[0].metric.replace('_', ' ')}",
        x_ticks=x.ticks(70),
        height=ROW * len(intervals) + 44,
        low=x(-margin),
        high=x(margin),
        bars=tuple(
            Bar(
                name=f"{one.pair}, {one.strategy}",
                y=ROW * (i + 0.5) + 6,
                low=x(-edge if one.low is None else one.low),
                high=x(edge if one.high is None else one.high),
                mean=x(edge if math.isnan(one.mean) else one.mean),
                verdict=one.verdict,
                text=_in_words(one),
            )
            for i, one in enumerate(intervals)
        ),
    )


def _in_words(one: Interval) -> str:
    ends = "no interval"
    if one.low is not None and one.high is not None:
        ends = f"90 % interval {one.low:+.2g} to {one.high:+.2g}"
    return f"{one.mean:+.2g}, {ends}, margin ±{one.margin:g}, n = {one.n}"
