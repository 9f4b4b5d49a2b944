"""One factor between everything that came back and everything that is specified."""

import math
from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np

from conformance.budgets import MEANINGFUL, TINY
from conformance.diagnosis.evidence import Evidence, sizes
from conformance.vectors import Case, Group, SumCase

CONSTANTS = {
    -1.0: "the sign is the other one",
    2.0: "twice",
    0.5: "half",
    1 / math.log(2.0): "a logarithm to base 2",
    math.log(2.0): "multiplied by log 2",
    1 / math.log(10.0): "a logarithm to base 10",
    math.log(10.0): "multiplied by log 10",
}
# Hyper-parameters that multiply a loss, or a part of it.
WEIGHTS = ("alpha", "pos_weight", "label_smoothing")
# Reasons that are named beside each other where several give the same number.
MOST = 3

Named = Iterator[tuple[float, str]]


def one_factor(evidence: Evidence) -> tuple[str, bool]:
    """Finds the factor that all numbers are off by.

    Args:
        evidence: Of one output.

    Returns:
        A sentence, and whether it names the reason; empty where there is no one factor.
    """
    ratio = _ratio(evidence)
    if ratio is None:
        return "", False
    if abs(ratio - 1) < MEANINGFUL:
        return "", False
    # Of several that give the same number none is more than a candidate.
    named = chain(_candidates(evidence), CONSTANTS.items())
    reasons = [*_agreeing(evidence, named, ratio)]
    what = f"the {evidence.output}" if evidence.whole else "every number"
    sentence = f"{what} is {ratio:.4g} times what is specified"
    if reasons:
        distinct = list(dict.fromkeys(reasons))
        return f"{sentence}: {' or '.join(distinct[:MOST])}", True
    # Any one number is some multiple of another, which says nothing.
    plain = not evidence.whole and evidence.fits(ratio * evidence.expected)
    return (sentence, False) if plain else ("", False)


def _agreeing(evidence: Evidence, named: Named, ratio: float) -> Iterator[str]:
    for factor, words in named:
        near = abs(factor - ratio) <= MEANINGFUL * abs(ratio)
        if near and evidence.fits(factor * evidence.expected):
            yield words


def ratio_of(actual: np.ndarray, expected: np.ndarray, within: float) -> float | None:
    """Returns the factor between two answers, where there is one.

    Args:
        actual: One answer.
        expected: The other.
        within: Largest difference from it, relative to the largest number.

    Returns:
        The factor, or None where it is 1, 0, or none fits at least two numbers.
    """
    actual, expected = np.ravel(actual), np.ravel(expected)
    finite = np.isfinite(actual).all() and np.isfinite(expected).all()
    if not finite or np.unique(expected[expected != 0]).size < 2:
        return None
    best = int(np.argmax(np.abs(expected)))
    ratio = float(actual[best] / expected[best])
    apart = float(np.abs(actual - ratio * expected).max())
    size = float(np.abs(expected[best]))
    fits = apart <= within * max(abs(ratio), 1) * size
    return ratio if fits and ratio and abs(ratio - 1) * size > within * size else None


def _ratio(evidence: Evidence) -> float | None:
    """The ratio at the number that is known best, if it can be that of all."""
    expected, actual = evidence.expected, evidence.actual
    known = np.isfinite(expected) & np.isfinite(actual)
    # Far from where numbers lose their digits.
    known &= np.abs(expected) > TINY[evidence.dtype] * 2.0**30
    if not known.any():
        return None
    own = np.where(known, evidence.scale / np.abs(expected), np.inf)
    best = int(np.argmin(own))
    ratio = float(actual.flat[best] / expected.flat[best])
    return ratio if ratio and evidence.fits(ratio * expected) else None


def _candidates(evidence: Evidence) -> Named:
    if isinstance(evidence.unit.case, SumCase):
        yield from _of_reductions(evidence, evidence.unit.case)
    else:
        yield from _of_calls(evidence)
    if evidence.unit.record.returns == "loss_and_state":
        yield from _of_bins(evidence)
    if evidence.slope and not evidence.of_logits:
        return
    if isinstance(evidence.unit.case, Group):
        yield from _of_classes(evidence)
    yield from _of_numbers(evidence)


def _of_reductions(evidence: Evidence, case: SumCase) -> Named:
    """Means that divide by something else, or not at all."""
    found = sizes(evidence.unit)
    own = float(case.expected["normalizer"].hi) or 1.0
    name = _name(evidence, own, found)
    of_mean = evidence.unit.reduction == "mean"
    if evidence.output == "normalizer":
        for words, size in found.items():
            yield size / own, f"{words} = {size:g} instead of {name}"
        return
    for words, size in found.items():
        if not size:
            continue
        if of_mean:
            yield own / size, f"divided by {words} = {size:g} instead of {name}"
            if own != 1:
                yield 1 / size, f"divided by {words} = {size:g} once too often"
        else:
            yield 1 / size, f"divided by {words} = {size:g}, as of the mean"
    yield own, f"not divided by {name}" if of_mean else f"multiplied by {name}"


def _name(evidence: Evidence, own: float, found: Any) -> str:
    """Names the normalizer that is specified."""
    names = [words for words, size in found.items() if size == own]
    by_weights = evidence.unit.case.params.get("normalizer", "weights") == "weights"
    weighted = [words for words in names if "Σw" in words and by_weights]
    return f"{[*weighted, *names, 'the normalizer'][0]} = {own:g}"


def _of_calls(evidence: Evidence) -> Named:
    """Elements of a call that knows how many they are."""
    n, width = len(evidence.unit.ids), evidence.width
    if evidence.unit.reduction == "mean":
        yield width, f"not divided by N = {width}"
        yield 1 / width, f"divided by N = {width} twice"
    else:
        yield 1 / width, f"divided by N = {width}, as of the mean"
    if n != width:
        yield 1 / n, f"divided by {n}"


def _of_classes(evidence: Evidence) -> Named:
    case, record = evidence.unit.case, evidence.unit.record
    if record.form != "rowwise":
        return
    classes = case.inputs[record.positional[0]].shape[case.params.get("class_axis", -1)]
    if classes > 1:
        yield 1 / classes, f"divided by C = {classes}, the number of classes"
        yield classes, f"multiplied by C = {classes}, the number of classes"
        yield classes / (classes - 1), f"C / (C - 1) with C = {classes}"
        yield (classes - 1) / classes, f"(C - 1) / C with C = {classes}"


def numbers(evidence: Evidence) -> dict[str, float]:
    """Hyper-parameters and weights of a call that are one number."""
    case = evidence.unit.case
    found = {k: v for k, v in case.params.items() if isinstance(v, float)}
    found |= {k: float(v) for k, v in case.arrays.items() if not v.ndim}
    return {k: v for k, v in found.items() if 0 < v < math.inf}


def _of_numbers(evidence: Evidence) -> Named:
    focal = "heatmap" not in evidence.unit.record.positional
    for name, value in numbers(evidence).items():
        # Others are exponents and widths, as alpha is on heat maps.
        if name not in (WEIGHTS if focal else ()):
            continue
        yield value, f"multiplied by {name} = {value:g}"
        yield 1 / value, f"divided by {name} = {value:g}"
        if name != "pos_weight" and value < 1:
            yield 1 - value, f"multiplied by 1 - {name} = {1 - value:g}"
            yield 1 / (1 - value), f"divided by 1 - {name} = {1 - value:g}"


def _of_bins(evidence: Evidence) -> Named:
    """What averages of counts go wrong by."""
    case = evidence.unit.case
    momentum = float(case.params.get("momentum", 0.0))
    if momentum:
        gap = 1 - momentum
        yield 1 / gap, f"1/(1 - m) of the first batch with m = {momentum:g}"
        yield gap, f"1 - m with m = {momentum:g}"
    known = case.totals if not isinstance(case, SumCase) else case.expected
    counts = known["state_counts"].hi
    bins, filled = counts.size, int((counts > 0).sum())
    own, other = (bins, filled) if _over_all(case) else (filled, bins)
    if filled:
        both = f"{filled} of {bins} bins are not empty"
        over = "the bins that are not empty" if _over_all(case) else "all bins"
        yield own / other, f"averaged over {over}; {both}"
        yield own, f"not averaged over {own} bins"


def _over_all(case: Case) -> bool:
    return case.params.get("average_over") == "bins"
