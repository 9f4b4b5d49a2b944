"""Scales and ticks of the figures, in their own units of length."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Ticks = list[tuple[float, str]]


@dataclass(frozen=True)
class Scale:
    """Maps numbers to places along one side of a figure.

    Attributes:
        low: The number at the start.
        high: The number at the end; beyond both, places stay at the edge.
        start: Place of the lower one.
        end: Place of the higher one.
        kind: ``"linear"``; ``"log"``; or ``"asinh"``, which is linear about zero and
            logarithmic on both sides of it.
    """

    low: float
    high: float
    start: float
    end: float
    kind: str = "linear"

    def __call__(self, value: float) -> float:
        """The place of a number, to a tenth."""
        clipped = min(max(value, self.low), self.high)
        low, high, at = (self._bent(v) for v in (self.low, self.high, clipped))
        share = (at - low) / (high - low) if high > low else 0.5
        return round(self.start + share * (self.end - self.start), 1)

    def _bent(self, value: float) -> float:
        if self.kind == "log":
            return math.log10(value)
        return math.asinh(value) if self.kind == "asinh" else value

    def ticks(self, gap: float = 40.0) -> Ticks:
        """Round numbers with their places.

        Args:
            gap: Smallest distance between two of them.

        Returns:
            Places and labels, from low to high.
        """
        places = [(self(value), _label(value)) for value in self._round()]
        while any(abs(b - a) < gap for (a, _), (b, _) in pairwise(places)):
            # Every second one, such that zero or the lowest stays.
            labels = [label for _, label in places]
            first = labels.index("0") % 2 if "0" in labels else 0
            places = places[first::2]
        return places

    def _round(self) -> list[float]:
        if self.kind == "linear":
            return _steps(self.low, self.high)
        low = min(self.low, self.high) if self.kind == "log" else 1.0
        ends = max(abs(self.low), abs(self.high))
        first, last = math.ceil(math.log10(low)), math.floor(math.log10(ends))
        decades = [10.0**k for k in range(first, last + 1)]
        if self.kind == "asinh":
            decades = [*(-d for d in reversed(decades)), 0.0, *decades]
        return [d for d in decades if self.low <= d <= self.high]


def _steps(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, some five of them."""
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= (high - low) / 5)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def _label(value: float) -> str:
    """A short number, as a power of ten where that is shorter."""
    if value and not 1e-2 <= abs(value) < 1e4:
        exponent = round(math.log10(abs(value)))
        if math.isclose(abs(value), 10.0**exponent):
            sign = "\N{MINUS SIGN}" if value < 0 else ""
            return f"{sign}10{superscript(exponent)}"
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


def superscript(exponent: int) -> str:
    """Writes an integer high."""
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def line(points: Iterable[tuple[float, float]]) -> str:
    """The path of a line through places; where one is no number it is broken.

    Example:
        >>> line([(0, 1), (2, 3.5), (4, math.nan), (5, 6)])
        'M0 1L2 3.5M5 6'
    """
    path, pen = "", "M"
    for x, y in points:
        if math.isnan(x) or math.isnan(y):
            pen = "M"
            continue
        path += f"{pen}{x:g} {y:g}"
        pen = "L"
    return path


def thinned(
    points: Sequence[tuple[float, float]], width: float = 1.5
) -> list[tuple[float, float]]:
    """Keeps of the places in each strip of a line the highest on the page.

    Args:
        points: Places from left to right; up is less.
        width: Of a strip.

    Returns:
        At most one place for each strip.
    """
    kept: dict[int, tuple[float, float]] = {}
    for x, y in points:
        strip = int(x // width)
        # Negated, so that a number takes the place of none.
        if strip not in kept or not kept[strip][1] <= y:
            kept[strip] = (x, y)
    return list(kept.values())
