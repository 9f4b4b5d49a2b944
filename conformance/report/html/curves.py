"""Error against the first argument, a figure for each operation and output."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from conformance.budgets import C_MAX, C_REFERENCE
from conformance.profiles import Result
from conformance.registry import OPERATIONS
from conformance.report.facts import place
from conformance.report.html.axes import Scale, Ticks, thinned
from conformance.report.wording import units

# In units of the figure, which the page stretches.
WIDTH, HEIGHT = 440, 250
LEFT, RIGHT, TOP, BOTTOM = 58, 8, 12, 42
# Labels that are closer than this would cover each other.
TICK = 14
# Less is drawn on the floor, which stands for no error; more than the ceiling above.
FLOOR, CEILING = 0.05, 1e6
# Paths of a mark about its middle, for people who do not tell the colours apart.
MARKS = (
    "m-2.6 0a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0-5.2 0",
    "m-2.4-2.4h4.8v4.8h-4.8z",
    "m0-3l3 5.2h-6z",
    "m0-3.2l3.2 3.2l-3.2 3.2l-3.2-3.2z",
    "m0 3l3-5.2h-6z",
    "m-3-1h2v-2h2v2h2v2h-2v2h-2v-2h-2z",
)
AXES = {
    "logits": "logit",
    "probs": "probability",
    "predictions": "prediction",
}


@dataclass(frozen=True)
class Series:
    """Marks of one implementation in one dtype; ``place`` decides colour and shape."""

    impl: str
    dtype: str
    place: int
    path: str


@dataclass(frozen=True)
class Limit:
    """A budget line."""

    label: str
    y: float


@dataclass(frozen=True)
class Figure:
    """A figure of one operation.

    Attributes:
        title: What is shown.
        x_label: Of the axis along.
        x_ticks: Its ticks.
        y_ticks: Those of the axis up.
        series: The marks.
        limits: The budget lines.
        summary: What one sees, in words.
    """

    title: str
    x_label: str
    x_ticks: Ticks
    y_ticks: Ticks
    series: tuple[Series, ...]
    limits: tuple[Limit, ...]
    summary: str


# The worst error at every argument, by implementation and dtype.
Name = tuple[str, str]
Worst = dict[Name, dict[float, float]]


def figures(results: Iterable[Result], impls: Sequence[str]) -> dict[str, list[Figure]]:
    """Draws what the curves of results hold.

    Args:
        results: Of a run.
        impls: Implementations in the order of their colours.

    Returns:
        Figures of values and of gradients, by operation.
    """
    found: dict[str, dict[str, Worst]] = {}
    for result in results:
        # The curve of a training runs along its steps.
        if not result.curve or result.profile == "training":
            continue
        outputs = found.setdefault(result.operation, {})
        worst = outputs.setdefault(result.output, {})
        own = worst.setdefault((result.impl, result.dtype), {})
        for x, error in result.curve:
            # A NaN is the worst there is.
            error = math.inf if math.isnan(error) else error
            own[x] = max(error, own.get(x, 0.0))
    return {
        operation: [
            _figure(operation, output, worst, impls)
            for output, worst in found[operation].items()
        ]
        for operation in sorted(found, key=lambda name: place(name, OPERATIONS))
    }


def _figure(operation: str, output: str, worst: Worst, impls: Sequence[str]) -> Figure:
    places = [x for own in worst.values() for x in own]
    errors = [error for own in worst.values() for error in own.values()]
    finite = [error for error in errors if math.isfinite(error)]
    top = min(max(2 * max(finite, default=0.0), 2 * C_MAX), CEILING)
    first, x_label = _argument(operation)
    kind = "linear" if first == "probs" else "asinh"
    x = Scale(min(places), max(places), LEFT + 6, WIDTH - RIGHT - 6, kind)
    y = Scale(FLOOR, top, HEIGHT - BOTTOM - 4, TOP + 16, "log")
    floor = y(FLOOR)
    y_ticks = [(floor, f"≤{FLOOR:g}")]
    y_ticks += [tick for tick in y.ticks(18) if floor - tick[0] > TICK]
    if any(error > top for error in errors):
        y_ticks.append((TOP, "∞" if math.inf in errors else "more"))
    bounds = {C_MAX: f"budget {C_MAX:g}"}
    if any(impl == "numpy" for impl, _ in worst):
        bounds[C_REFERENCE] = f"numpy {C_REFERENCE:g}"
    return Figure(
        title=f"{operation}: {output.replace('grad_', 'gradient of ')}",
        x_label=x_label,
        x_ticks=x.ticks(),
        y_ticks=y_ticks,
        series=tuple(
            _series(impl, dtype, own, impls, x, y)
            for (impl, dtype), own in _sorted(worst, impls)
        ),
        limits=tuple(Limit(text, y(bound)) for bound, text in bounds.items()),
        summary=_summary(_sorted(worst, impls)),
    )


def _argument(operation: str) -> tuple[str, str]:
    record = OPERATIONS.get(operation)
    first = record.positional[0] if record else "logits"
    if record and record.form == "rowwise":
        return first, "margin of the labelled class"
    return first, AXES.get(first, first)


def _series(
    impl: str,
    dtype: str,
    own: Mapping[float, float],
    impls: Sequence[str],
    x: Scale,
    y: Scale,
) -> Series:
    place = impls.index(impl) % len(MARKS)
    points = [(x(at), TOP if own[at] > y.high else y(own[at])) for at in sorted(own)]
    marks = (f"M{a:g} {b:g}{MARKS[place]}" for a, b in thinned(points, 3.0))
    return Series(impl, dtype, place, "".join(marks))


def _sorted(
    worst: Worst, impls: Sequence[str]
) -> list[tuple[Name, dict[float, float]]]:
    """Always in one order, whichever came first in the run."""
    return sorted(worst.items(), key=lambda item: (impls.index(item[0][0]), item[0][1]))


def _summary(series: Iterable[tuple[Name, Mapping[float, float]]]) -> str:
    phrases = []
    for (impl, dtype), own in series:
        at = max(own, key=lambda x: own[x])
        phrases.append(f"{impl} {dtype} at most {units(own[at])} (at {at:.4g})")
    return "; ".join(phrases)
