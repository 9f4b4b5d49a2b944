"""Arithmetic of the truth: numbers with their error, and how they are stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mpmath import mp, mpf

# Fifty digits are promised; twenty more absorb cancellation at labels next to 1.
DIGITS = 70

Args = Mapping[str, Any]
Real = Any  # an mpf: mpmath carries no types


@dataclass(frozen=True)
class Number:
    """An output: its value, the sum of the magnitudes of its terms, and the scale.

    The scale is what an accurate implementation may be off by, in unit round-offs and
    to first order. It is 0 where the value is exact.
    """

    value: Real
    size: Real
    scale: Real


Outputs = dict[str, Number | list[Number]]


@dataclass(frozen=True)
class Whole:
    """Outputs of every example of a call, and those of the call."""

    points: list[Outputs]
    totals: Outputs


@dataclass(frozen=True)
class Expected:
    """An output as vectors store it; ``scale`` is rounded up, 0 only if exact."""

    hi: float
    lo: float
    scale: float


def number(value: Any) -> Any:
    """Turns Python numbers, also in lists, into exact ones; leaves text and None."""
    if isinstance(value, list | tuple):
        return [number(v) for v in value]
    return mpf(value) if isinstance(value, int | float) else value


def exact(value: Real) -> Number:
    """A number that every implementation must return to the last bit."""
    return Number(mpf(value), abs(mpf(value)), mpf(0))


def unknown() -> Number:
    """What follows from NaN."""
    return Number(mp.nan, mpf(0), mpf(0))


def times(*factors: Real) -> Real:
    """Product in which 0 beats infinity, as weights and labels of 0 do."""
    return mpf(0) if any(f == 0 for f in factors) else mp.fprod(factors)


def total(*terms: tuple[Real, Real]) -> Number:
    """Adds signed terms, each with its relative error in unit round-offs."""
    return Number(
        mp.fsum(term for term, _ in terms),
        mp.fsum((term for term, _ in terms), absolute=True),
        mp.fsum(times(abs(term), error) for term, error in terms),
    )


def softplus(v: Real) -> Real:
    """Computes log(1 + exp(v))."""
    return max(v, mpf(0)) + mp.log1p(mp.exp(-abs(v)))


def sigmoid(v: Real) -> Real:
    """Computes 1 / (1 + exp(-v))."""
    return 1 / (1 + mp.exp(-v))


def power(base: Real, exponent: Real) -> Real:
    """Power with 0**0 = 1, the limit of gamma -> 0."""
    return base**exponent if exponent else mpf(1)


def _nearest(exact: Real) -> float:
    """Rounds to the nearest double, once, subnormals included."""
    if not mp.isfinite(exact):
        return float(exact)
    sign, mantissa, exponent, _ = exact._mpf_
    if abs(exponent) > 20000:
        return 0.0
    rounded = float(Fraction(int(mantissa)) * Fraction(2) ** int(exponent))
    return -rounded if sign else rounded


def _round_up(scale: Real) -> float:
    """Seven digits, never below the scale, and never 0 unless it is 0."""
    if not scale:
        return 0.0
    return max(float(f"{_nearest(scale) * (1 + 1e-6):.6e}"), 5e-324)


def encode(exact: Real, scale: Real) -> Expected:
    """Splits a result into two doubles and a rounded scale."""
    hi = _nearest(exact)
    if not mp.isfinite(exact):
        return Expected(hi, 0.0, 0.0)
    with mp.workdps(DIGITS):
        return Expected(hi, _nearest(exact - mpf(hi)), _round_up(scale))


def encoded(output: Number | Sequence[Number]) -> Expected | list[Expected]:
    """Encodes a number, or each of a list."""
    if isinstance(output, Number):
        return encode(output.value, output.scale)
    return [encode(one.value, one.scale) for one in output]
