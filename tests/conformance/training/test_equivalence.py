from typing import Any

import numpy as np
import pytest
from scipy import stats

from conformance.training.equivalence import (
    claim_verdict,
    contrast_verdict,
    equivalence_verdicts,
    holm,
    paired,
    spread_verdict,
)

MARGIN = 0.01


def compare(differences, level=0.9):
    return paired(np.zeros(len(differences)), differences, margin=MARGIN, level=level)


def verdict(differences):
    return equivalence_verdicts([compare(differences)], alpha=0.05, minimum_seeds=8)[0]


def draw(mean, deviation, n=8):
    """Numbers with exactly this mean and standard deviation."""
    z = np.random.default_rng(n).normal(size=n)
    return mean + deviation * (z - z.mean()) / z.std(ddof=1)


def test_paired_agrees_with_scipy():
    first, second = draw(0.8, 0.02), draw(0.81, 0.03)
    found = paired(first, second, margin=MARGIN, level=0.9)
    difference = second - first
    low: Any = stats.ttest_1samp(difference, -MARGIN, alternative="greater")
    high: Any = stats.ttest_1samp(difference, MARGIN, alternative="less")
    two_sided: Any = stats.ttest_rel(second, first)
    assert found.p_equivalent == pytest.approx(max(low.pvalue, high.pvalue), rel=1e-10)
    assert found.p_different == pytest.approx(two_sided.pvalue, rel=1e-10)
    interval = two_sided.confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


@pytest.mark.parametrize(
    ("mean", "deviation", "expected"),
    [
        (0.0, 0.005, "equivalent"),
        (0.004, 0.004, "equivalent"),  # not zero, but within the margin
        (0.02, 0.005, "different"),
        (-0.02, 0.005, "different"),
        (0.01, 0.004, "different"),  # on the margin, and not zero
        (0.0, 0.05, "undetermined"),
        (0.01, 0.05, "undetermined"),
    ],
)
def test_verdicts(mean, deviation, expected):
    assert verdict(draw(mean, deviation)) == expected


@pytest.mark.parametrize("n", [1, 2, 7])
def test_few_seeds_are_never_equivalent(n):
    assert verdict(np.zeros(n)) == "undetermined"
    assert verdict(1e-9 * np.arange(n)) == "undetermined"


def test_seeds_that_all_agree():
    assert verdict(np.zeros(8)) == "equivalent"
    assert verdict(np.full(8, 0.5)) == "different"


def test_nan_is_undetermined():
    assert verdict([0.0] * 7 + [np.nan]) == "undetermined"
    assert contrast_verdict(compare([0.0] * 7 + [np.nan])) == "undetermined"


def test_interval_and_verdict_correspond():
    """At one comparison: equivalent iff the 90 % interval lies within the margin."""
    for mean in np.linspace(0.0, 0.02, 41):
        differences = draw(mean, 0.006)
        inside = compare(differences).high < MARGIN
        assert (verdict(differences) == "equivalent") == inside


def test_family_is_corrected():
    borderline = draw(0.0057, 0.006)
    alone = [compare(borderline)]
    assert 0.01 < alone[0].p_equivalent < 0.05
    assert equivalence_verdicts(alone, alpha=0.05, minimum_seeds=8) == ["equivalent"]
    found = equivalence_verdicts(5 * alone, alpha=0.05, minimum_seeds=8)
    assert "equivalent" not in found


def test_holm_known_values():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]


@pytest.mark.parametrize(
    ("mean", "expected"),
    [(0.03, "higher"), (-0.03, "lower"), (0.001, "undetermined")],
)
def test_contrast(mean, expected):
    assert contrast_verdict(compare(draw(mean, 0.02), level=0.95)) == expected


def test_one_seed_contrasts_nothing():
    assert contrast_verdict(compare([1.0])) == "undetermined"


def test_spread_agrees_with_the_correlation_test():
    generator = np.random.default_rng(0)
    a = np.zeros(0)
    for factor in 40 * (1.0, 1.6, 3.0, 0.3):
        a, b = generator.normal(size=12), factor * generator.normal(size=12)
        test: Any = stats.pearsonr(a + b, b - a)
        expected = "undetermined"
        if test.pvalue <= 0.05:
            expected = "higher" if test.statistic > 0 else "lower"
        assert spread_verdict(a, b, alpha=0.05) == expected
    assert spread_verdict(a, a, alpha=0.05) == "undetermined"
    assert spread_verdict(a, 10 * a, alpha=0.05) == "higher"
    assert spread_verdict(10 * a, a, alpha=0.05) == "lower"


def test_spread_of_too_few_or_infinite():
    generator = np.random.default_rng(1)
    for _ in range(50):
        a, b = generator.normal(size=2), 3.0 * generator.normal(size=2)
        assert spread_verdict(a, b, alpha=0.05) == "undetermined"
    assert spread_verdict([0.0, 1.0, np.inf], np.arange(3), alpha=0.05) == (
        "undetermined"
    )


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (["higher", "higher"], "reproduced"),
        (["higher", "lower"], "contradicted"),
        (["undetermined", "lower"], "contradicted"),
        (["higher", "undetermined"], "undetermined"),
        ([], "undetermined"),
    ],
)
def test_claim(steps, expected):
    assert claim_verdict(steps) == expected
