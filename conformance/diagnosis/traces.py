"""What single numbers give away: kinks, narrow arithmetic, another order."""

from collections.abc import Callable

import numpy as np

from conformance.budgets import ALIVE, UNIT_ROUNDOFF
from conformance.diagnosis.evidence import Evidence, Mask
from conformance.diagnosis.factors import numbers
from conformance.diagnosis.repeats import repeated, weights
from conformance.families._spec import nearest
from conformance.vectors import Array, SumCase

# From where softplus is the identity in PyTorch.
THRESHOLD = 20.0
# As many different numbers that a narrow dtype represents are no coincidence.
ENOUGH = 4
# Errors that go up and down like those of a narrow dtype, and how large those are.
MANY = 16
ROUNDINGS = 2.0
WIDTHS = ("float64", "float32", "float16", "bfloat16")


def trace(evidence: Evidence) -> str:
    """Returns the first thing that the numbers give away; empty where they do not."""
    for look in LOOKS:
        found = look(evidence)
        if found:
            return found
    return ""


def not_a_number(evidence: Evidence) -> str:
    """Says where NaN comes from an exponent below 1."""
    wrong = evidence.actual[evidence.bad]
    gamma = numbers(evidence).get("gamma", 2.0)
    if not (evidence.of_logits and gamma < 1 and np.isnan(wrong).all()):
        return ""
    largest = np.nanmax(np.abs(evidence.expected[evidence.bad]))
    if largest > ALIVE:
        return ""
    return (
        f"NaN only where 1 - p_t is next to 0: with gamma = {gamma:g} the derivative "
        "of (1 - p_t)^gamma is infinite there"
    )


def kink(evidence: Evidence) -> str:
    """Says that a gradient is wrong at 0 alone."""
    unit, first = evidence.unit, evidence.unit.record.positional[0]
    rows = unit.record.form == "rowwise"
    if rows or not evidence.of_logits or isinstance(unit.case, SumCase):
        return ""
    x, bad = evidence.input(first), evidence.bad
    if (x[bad] != 0).any():
        return ""
    slopes = (evidence.actual / _upstream(evidence))[bad]
    if not (x != 0).any() and not _from_one_side(evidence, slopes):
        return ""
    shown = ", ".join(f"{number:.4g}" for number in np.unique(slopes)[:4])
    return (
        f"wrong only at {first} = 0 ({shown}), where max(x, 0) and |x| have a kink "
        "whose derivative was taken from one side"
    )


def _from_one_side(evidence: Evidence, slopes: Array) -> bool:
    """Whether max(x, 0) - x y + log1p(exp(-|x|)) gives these slopes at 0."""
    case = evidence.unit.case
    plain = "cross_entropy" in evidence.unit.operation and not case.params
    left = slopes + case.inputs["labels"][evidence.bad] if plain else np.ones(1) / 3
    return bool(np.isin(left, (-0.5, 0.0, 1.0, 1.5)).all())


def _upstream(evidence: Evidence) -> Array:
    upstream = evidence.spread(evidence.factor) / evidence.divisor
    return np.broadcast_to(upstream, evidence.expected.shape)


def threshold(evidence: Evidence) -> str:
    """Recognises a softplus that is the identity from 20 on."""
    record = evidence.unit.record
    plain = record.positional == ("logits", "labels") and record.form == "pointwise"
    if not plain or evidence.output != "value" or evidence.whole:
        return ""
    x, y = evidence.input("logits"), evidence.input("labels")
    v = np.where(y == 1, -x, x)
    if not ((y == 0) | (y == 1))[evidence.bad].all():
        return ""
    if numbers(evidence).get("label_smoothing") or (v[evidence.bad] <= THRESHOLD).any():
        return ""
    share = np.where(v > THRESHOLD, v / (v + np.log1p(np.exp(-np.abs(v)))), 1.0)
    if not evidence.fits(evidence.expected * share):
        return ""
    return f"softplus(v) is v where v > {THRESHOLD:g}, without exp(-v)"


def narrow(evidence: Evidence) -> str:
    """Recognises arithmetic in fewer digits than the result has."""
    finite = np.isfinite(evidence.actual) & np.isfinite(evidence.expected)
    actual, expected = evidence.actual[finite], evidence.expected[finite]
    own = WIDTHS.index(evidence.dtype)
    # The narrowest first, whose numbers are numbers of the others too.
    for dtype in reversed(WIDTHS[own + 1 :]):
        # Where the right answer would show that it is none of the narrow numbers.
        right = _rounded(expected, evidence.dtype)
        shows = _rounded(right, dtype) != right
        if np.unique(actual[shows]).size < ENOUGH:
            continue
        if (_rounded(actual, dtype) == actual).all():
            return f"every number is one of {dtype}: computed in it"
    if evidence.dtype == "float64" and _as_coarse(evidence, "float32"):
        return "the errors are those of roundings in float32, up and down"
    return ""


def _rounded(wide: Array, dtype: str) -> Array:
    """The nearest numbers of a dtype; NumPy has no bfloat16."""
    return nearest(wide, dtype) if dtype != "float16" else _half(wide)


def _half(wide: Array) -> Array:
    return wide.astype(np.float16).astype(float)


def _as_coarse(evidence: Evidence, dtype: str) -> bool:
    """Whether all errors are roundings of a dtype by size, up and down.

    An epsilon that is added moves all numbers to one side.
    """
    units = evidence.misses * UNIT_ROUNDOFF[evidence.dtype] / UNIT_ROUNDOFF[dtype]
    up = np.sign(evidence.actual - evidence.expected)[evidence.bad] > 0
    both = up.size >= MANY and 1 / 4 <= up.mean() <= 3 / 4
    return bool(both and (units <= ROUNDINGS).all() and units.max() >= 1 / 32)


def cancelled(evidence: Evidence) -> str:
    """Recognises small numbers that are differences of numbers next to 1.

    Such differences are multiples of a round-off of 1, which no other small number is.
    """
    if not (evidence.of_logits or evidence.output == "value"):
        return ""
    unit, rows = UNIT_ROUNDOFF[evidence.dtype], evidence.unit.record.form == "rowwise"
    if evidence.slope:
        where = "p - 1" if rows else "sigmoid(x) - y"
    else:
        where = "logsumexp(x) - x_y" if rows else "log(sigmoid(x))"
    for weight in (1.0, *dict(weights(evidence)).values()):
        steps = weight * unit * (_upstream(evidence) if evidence.slope else 1.0)
        came, truth = (
            (a / steps)[evidence.bad] for a in (evidence.actual, evidence.expected)
        )
        # Of larger numbers every one is a multiple.
        small = np.abs(truth) < 1 / (64 * unit)
        uneven = np.unique(truth[small & ~_whole(truth)])
        if small.all() and _whole(came).all() and came.any() and uneven.size > 1:
            return (
                f"small numbers are multiples of {unit * weight:.2g}: differences of "
                f"numbers next to 1, as in {where}"
            )
    return ""


def _whole(steps: Array) -> Mask:
    """Which numbers of steps are whole, but for their own rounding."""
    return np.abs(steps - np.rint(steps)) <= 1 / 64


def order(evidence: Evidence) -> str:
    """Recognises the right numbers in another order."""
    actual, expected = evidence.actual, evidence.expected
    plain = evidence.output == "value" and expected.ndim == 1 and evidence.telling
    if not plain or np.unique(expected).size < ENOUGH:
        return ""
    if evidence.fits(expected[::-1]):
        return "the right numbers in reverse order"
    for step, words in ((1, "one place later"), (-1, "one place earlier")):
        moved = np.roll(expected, step)
        edge = 0 if step > 0 else -1
        # The first comes from another unit of the call, or from nowhere.
        moved[edge] = actual[edge]
        if evidence.fits(moved):
            return f"the right numbers, each {words}"
    ranks = np.argsort(actual), np.argsort(expected)
    sorted_ = np.empty_like(expected)
    sorted_[ranks[0]] = expected[ranks[1]]
    return "the right numbers in another order" if evidence.fits(sorted_) else ""


LOOKS: tuple[Callable[[Evidence], str], ...] = (
    not_a_number,
    order,
    kink,
    threshold,
    narrow,
    cancelled,
    repeated,
)
