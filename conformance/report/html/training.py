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
# Of a line's strip that keeps one place: lines are many, and have some sixty at most.
STRIP = 4.0
# A row with a name, the whole width, and of a character of a name.
ROW, WIDE, CHARACTER = 22, 560, 7.2
# More panels than these are folded up.
FEW = 10
# Shares of the bound are drawn up to here: what is beyond is as bad as any.
_LEAST, _MOST = 1e-3, 1e3


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
class Mark:
    """The worst share of one backend."""

    place: int
    x: float
    verdict: str
    text: str


@dataclass(frozen=True)
class Row:
    """A strategy with the marks of all backends."""

    name: str
    y: float
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Worst:
    """The worst shares of the bound on one set of data."""

    title: str
    x_ticks: Ticks
    names: float
    height: float
    bound: float
    rows: tuple[Row, ...]


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
class Told:
    """An interval in words."""

    name: str
    verdict: str
    text: str


@dataclass(frozen=True)
class Forest:
    """Intervals of one set of data, with the margin that they are to lie within.

    Of a strategy's pairs of backends the one that reaches farthest is drawn; ``told``
    has all in words.
    """

    title: str
    x_ticks: Ticks
    names: float
    height: float
    low: float
    high: float
    level: str
    bars: tuple[Bar, ...]
    told: tuple[Told, ...]


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
        places = [(x(i), d if math.isnan(d) else y(d)) for i, d in steps]
        return line(thinned(places, STRIP))

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


def worst(outcome: Outcome, backends: Sequence[str]) -> list[Worst]:
    """Draws how near to the bound every lockstep came, a figure for each set of data.

    Args:
        outcome: Of the recipe.
        backends: In the order of their colours.
    """
    names = dict.fromkeys(one.data for one in outcome.lockstep)
    return [
        _worst(name, [one for one in outcome.lockstep if one.data == name], backends)
        for name in names
    ]


def _worst(data: str, cells: Sequence[Lockstep], backends: Sequence[str]) -> Worst:
    names = _room(one.strategy for one in cells)
    known = [one.share(name) for one in cells for name in one.distances]
    shares = [min(max(s, _LEAST), _MOST) for s in known if s is not None]
    low, high = min(shares, default=0.1), max(shares, default=1.0)
    x = Scale(low / 2, max(2.0, high * 2), names, WIDE - 8, "log")

    def mark(one: Lockstep, name: str) -> Mark:
        share, verdict = one.share(name), one.verdicts.get(name, "")
        text = f"{name} {verdict} at {units(share)} of the bound"
        at = x(_LEAST if share is None else max(share, _LEAST))
        return Mark(_place(name, backends), at, verdict, text)

    return Worst(
        title=f"{data}: worst distance, in shares of the bound",
        x_ticks=x.ticks(50),
        names=names,
        height=ROW * len(cells) + 44,
        bound=x(1.0),
        rows=tuple(
            Row(one.strategy, _middle(i), tuple(mark(one, n) for n in one.distances))
            for i, one in enumerate(cells)
        ),
    )


def _middle(row: int) -> float:
    return ROW * (row + 0.5) + 6


def _room(names: Iterable[str]) -> float:
    """Where names end and the figure begins."""
    return min(CHARACTER * max(map(len, names), default=0) + 12, WIDE / 2)


def forests(outcome: Outcome) -> list[Forest]:
    """Draws the intervals of a recipe, a figure for each set of data."""
    names = dict.fromkeys(one.data for one in outcome.intervals)
    return [
        _forest(name, [one for one in outcome.intervals if one.data == name])
        for name in names
    ]


def _forest(data: str, intervals: Sequence[Interval]) -> Forest:
    margin = max(one.margin for one in intervals)
    farthest: dict[str, Interval] = {}
    for one in sorted(intervals, key=_reach):
        farthest[one.strategy] = one
    strategies = dict.fromkeys(one.strategy for one in intervals)
    known = max(
        (reach for one in intervals if math.isfinite(reach := _reach(one))), default=0.0
    )
    edge = 1.15 * max(margin, min(known, 4 * margin))
    names = _room(strategies)
    x = Scale(-edge, edge, names, WIDE - 8)
    return Forest(
        title=f"{data}: difference in {intervals[0].metric.replace('_', ' ')}",
        x_ticks=x.ticks(70),
        names=names,
        height=ROW * len(strategies) + 44,
        low=x(-margin),
        high=x(margin),
        level=percent(intervals[0].level),
        bars=tuple(
            _bar(farthest[name], _middle(i), x, edge)
            for i, name in enumerate(strategies)
        ),
        told=tuple(Told(_name(one), one.verdict, _in_words(one)) for one in intervals),
    )


def _reach(one: Interval) -> float:
    """How far from no difference an interval goes; without one, beyond all others."""
    if one.low is None or one.high is None or math.isnan(one.mean):
        return math.inf
    return max(abs(one.low), abs(one.high))


def _bar(one: Interval, y: float, x: Scale, edge: float) -> Bar:
    return Bar(
        name=one.strategy,
        y=y,
        low=x(-edge if one.low is None else one.low),
        high=x(edge if one.high is None else one.high),
        mean=x(edge if math.isnan(one.mean) else one.mean),
        verdict=one.verdict,
        text=f"{one.pair}: {_in_words(one)}",
    )


def _name(one: Interval) -> str:
    return f"{one.pair}, {one.strategy}"


def percent(share: float) -> str:
    """A share in per cent.

    Example:
        >>> percent(0.9), percent(0.9666666)
        ('90 %', '96.7 %')
    """
    return f"{100 * share:.3g} %"


def _in_words(one: Interval) -> str:
    ends = "no interval"
    if one.low is not None and one.high is not None:
        ends = f"{percent(one.level)} interval {one.low:+.2g} to {one.high:+.2g}"
    return f"{one.mean:+.2g}, {ends}, margin ±{one.margin:g}, n = {one.n}"
