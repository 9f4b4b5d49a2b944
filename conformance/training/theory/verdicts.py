"""Over seeds: whether logits follow their link, and what a threshold explains."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from conformance.training.equivalence import UNDETERMINED, paired
from conformance.training.metrics import F1_OF

Array = NDArray[np.float64]

FOLLOWS, DEPARTS = "follows", "departs"

# What a trained network may miss the minimiser by and still be said to follow it. An
# offset of 0.1 is what a weight that is wrong by a tenth makes; networks of eight units
# on Gaussians, which can follow, keep within 0.05 of either. What strategies stand for
# is far outside: a weight of 5 is an offset of 1.6, focusing at least halves slopes.
SLOPE_MARGIN = 0.1
OFFSET_MARGIN = 0.1
# Standard errors of the training part's labels, which all seeds share and which their
# interval therefore does not show.
LABEL_ERRORS = 2.0
LEVEL = 0.95


def follows(
    cells: Mapping[str, Mapping[str, Any]], plain: str
) -> dict[str, dict[str, Any]]:
    """Judges whether every strategy's logits follow the link of its loss.

    Args:
        cells: Merged seed cells by strategy; those without slopes are left out.
        plain: The strategy beside which the others are shown.

    Returns:
        By strategy ``slope`` and ``offset``, each with ``expected``, ``n``, ``mean``,
        ``low``, ``high`` and ``margin``, the mean ``of_plain`` (None where it has
        none), and ``verdict``: ``"follows"`` where two one-sided tests of both put
        them within their margins, ``"departs"`` where an interval lies beyond its
        margin, ``"undetermined"`` else. Where plain does not follow, the network or
        the data are too small for theory, and no other strategy departs.
    """
    fitted = {
        name: cell["theory"]
        for name, cell in cells.items()
        if "slope" in cell["theory"]
    }
    found = {n: _judged(theory, fitted.get(plain)) for n, theory in fitted.items()}
    if plain in found and found[plain]["verdict"] == FOLLOWS:
        return found
    for name, own in found.items():
        if name != plain and own["verdict"] == DEPARTS:
            own["verdict"] = UNDETERMINED
    return found


def threshold_share(
    cells: Mapping[str, Mapping[str, Any]], plain: str
) -> dict[str, dict[str, Any]]:
    """Splits gains of F1 at one half into a moved threshold and the rest.

    A weight moves the point where a model says one half. With the link undone it says
    so where the posterior is one half, as the plain model does: what F1 gains there is
    gained by better logits, and the rest could be had by another threshold.

    Args:
        cells: Merged seed cells by strategy; seeds count from 0 in each.
        plain: Name of the strategy that the others are compared with.

    Returns:
        By strategy with a link, other than ``plain``: ``gain`` and ``gain_corrected``
        over plain, each with ``n``, ``mean``, ``low`` and ``high`` over paired seeds;
        and ``share`` of the gain that is only a threshold, with ``value``, ``low`` and
        ``high`` by Fieller's theorem, or None where the gain is not told from 0.

    References:
        Fieller, 1954. https://doi.org/10.1111/j.2517-6161.1954.tb00159.x
    """
    metric = next(n for n in F1_OF.values() if n in cells[plain]["metrics"])
    base = cells[plain]["metrics"][metric]
    found = {}
    for name, cell in cells.items():
        if name == plain or not cell["theory"]:
            continue
        lists = base, cell["metrics"][metric], cell["theory"]["f1_corrected_half"]
        # Seeds count from 0: what both strategies have is the shorter list.
        common = min(map(len, lists))
        start, raw, corrected = (np.asarray(own[:common]) for own in lists)
        found[name] = {
            "gain": _interval(start, raw),
            "gain_corrected": _interval(start, corrected),
            "share": _ratio(raw - corrected, raw - start),
        }
    return found


def _judged(
    theory: Mapping[str, Sequence[float]], plain: Mapping[str, Sequence[float]] | None
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    within, beyond = [], []
    for name, expected, margin in (
        ("slope", 1.0, SLOPE_MARGIN),
        ("offset", 0.0, OFFSET_MARGIN),
    ):
        margin += LABEL_ERRORS * float(np.mean(theory[f"{name}_error"]))
        values = np.asarray(theory[name])
        off = paired(np.full(len(values), expected), values, margin=margin, level=LEVEL)
        within.append(off.p_equivalent <= 1.0 - LEVEL)
        beyond.append(off.low > margin or off.high < -margin)
        found[name] = {
            "expected": expected,
            "n": off.n,
            "mean": expected + off.mean,
            "low": expected + off.low,
            "high": expected + off.high,
            "margin": margin,
            "of_plain": None if plain is None else float(np.mean(plain[name])),
        }
    verdict = DEPARTS if any(beyond) else UNDETERMINED
    return {**found, "verdict": FOLLOWS if all(within) else verdict}


def _interval(first: Array, second: Array) -> dict[str, Any]:
    # The margin is for a test that is not read.
    found = asdict(paired(first, second, margin=1.0, level=LEVEL))
    return {name: found[name] for name in ("n", "mean", "low", "high")}


def _ratio(part: Array, whole: Array) -> dict[str, float] | None:
    """Returns the ratio of two means of pairs, with its interval."""
    n = len(whole)
    if n < 2 or not np.isfinite(part + whole).all():
        return None
    spread = np.cov(part, whole) * stdtrit(n - 1, 0.5 + LEVEL / 2.0) ** 2 / n
    a, b = part.mean(), whole.mean()
    # Bounded exactly where the interval of the whole leaves 0 out.
    lead = b * b - spread[1, 1]
    if lead <= 0.0:
        return None
    middle = a * b - spread[0, 1]
    root = np.sqrt(max(middle**2 - lead * (a * a - spread[0, 0]), 0.0))
    return {
        "value": float(a / b),
        "low": float((middle - root) / lead),
        "high": float((middle + root) / lead),
    }
