"""Verdicts over paired seeds: equivalence of backends, contrasts of strategies."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

EQUIVALENT, DIFFERENT, UNDETERMINED = "equivalent", "different", "undetermined"
HIGHER, LOWER = "higher", "lower"
REPRODUCED, CONTRADICTED = "reproduced", "contradicted"


@dataclass(frozen=True)
class Paired:
    """Differences over seeds, and what two tests say of their mean.

    Attributes:
        n: Number of seeds.
        mean: Mean difference, second minus first.
        low: Lower end of the interval.
        high: Upper end of the interval.
        p_equivalent: Of two one-sided tests: the mean is beyond the margin.
        p_different: Of the two-sided test: the mean is zero.
    """

    n: int
    mean: float
    low: float
    high: float
    p_equivalent: float
    p_different: float


def paired(
    first: ArrayLike, second: ArrayLike, *, margin: float, level: float
) -> Paired:
    """Tests the mean of ``second - first`` with Student's t.

    Args:
        first: One number for each seed.
        second: The same seeds.
        margin: Largest mean that counts as none, > 0.
        level: Coverage of the interval, in (0, 1).

    Returns:
        Both tests' p-values; with fewer than two seeds, or a NaN, they are 1 and the
        interval is unbounded.
    """
    differences = np.asarray(second, np.float64) - np.asarray(first, np.float64)
    n, mean = differences.size, float(differences.mean())
    if n < 2 or not np.isfinite(differences).all():
        return Paired(n, mean, -np.inf, np.inf, 1.0, 1.0)
    error = float(differences.std(ddof=1) / np.sqrt(n))
    half = float(stdtrit(n - 1, 0.5 + level / 2.0)) * error
    return Paired(
        n,
        mean,
        mean - half,
        mean + half,
        max(_upper_tail(mean + margin, error, n), _upper_tail(margin - mean, error, n)),
        min(1.0, 2.0 * _upper_tail(abs(mean), error, n)),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusts a family of p-values by Holm's step-down method.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]

    References:
        Holm, 1979. https://www.jstor.org/stable/4615733
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()


def equivalence_verdicts(
    family: Sequence[Paired], *, alpha: float, minimum_seeds: int
) -> list[str]:
    """Judges a family of comparisons together.

    Equivalent: both one-sided tests reject a mean beyond the margin. Different: the
    mean is not zero, and equivalence was not shown. Undetermined: everything else, and
    equivalence on fewer than ``minimum_seeds``.

    Args:
        family: One comparison for each strategy.
        alpha: Level of the family, for each of the two kinds of test.
        minimum_seeds: Fewer are never equivalent.

    Returns:
        A verdict for each comparison.

    References:
        Schuirmann, 1987, for the two one-sided tests. https://doi.org/10.1007/BF01068419
    """
    same = holm([comparison.p_equivalent for comparison in family])
    other = holm([comparison.p_different for comparison in family])
    verdicts = []
    for comparison, p_same, p_other in zip(family, same, other, strict=True):
        if p_same <= alpha and comparison.n >= minimum_seeds:
            verdicts.append(EQUIVALENT)
        elif p_same > alpha and p_other <= alpha:
            verdicts.append(DIFFERENT)
        else:
            verdicts.append(UNDETERMINED)
    return verdicts


def contrast_verdict(contrast: Paired) -> str:
    """Returns whether the second strategy is higher or lower, by the interval."""
    if contrast.low > 0.0:
        return HIGHER
    return LOWER if contrast.high < 0.0 else UNDETERMINED


def spread_verdict(first: ArrayLike, second: ArrayLike, *, alpha: float) -> str:
    """Returns whether the second varies more or less over the same seeds.

    Sum and difference of two paired quantities are correlated exactly when their
    variances are unequal.

    References:
        Pitman, 1939, and Morgan, 1939. https://doi.org/10.1093/biomet/31.1-2.9
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    total, difference = a + b, b - a
    if a.size < 3 or not np.isfinite(total).all():
        return UNDETERMINED
    if not (np.ptp(total) > 0.0 and np.ptp(difference) > 0.0):
        return UNDETERMINED
    r = float(np.clip(np.corrcoef(total, difference)[0, 1], -1.0, 1.0))
    excess = abs(r) * np.sqrt(a.size - 2.0)
    if 2.0 * _upper_tail(excess, np.sqrt(1.0 - r * r), a.size - 1) > alpha:
        return UNDETERMINED
    return HIGHER if r > 0.0 else LOWER


def claim_verdict(steps: Sequence[str]) -> str:
    """Judges a ranking from its steps: whether the better one is higher."""
    if LOWER in steps:
        return CONTRADICTED
    return REPRODUCED if set(steps) == {HIGHER} else UNDETERMINED


def _upper_tail(excess: float, error: float, n: int) -> float:
    """Returns the probability of a larger t; seeds that all agree have no error."""
    if error == 0.0:
        return 0.0 if excess > 0.0 else 1.0
    return float(stdtr(n - 1, -excess / error))
