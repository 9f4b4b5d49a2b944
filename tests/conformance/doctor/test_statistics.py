import math

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binom, mannwhitneyu, norm

from conformance.doctor.statistics import (
    auroc_sigmas,
    better,
    entropy,
    f1,
    f1_gain,
    mean_shift,
    refuted,
    skilled,
)
from conformance.scores import assemble
from tests.conformance.doctor.made import binary


def column(**arrays):
    return assemble({name: np.asarray(own) for name, own in arrays.items()}).columns[0]


@pytest.mark.parametrize(
    ("p", "n", "s"), [(0.1, 40, 15), (0.3, 200, 20), (0.01, 99, 9)]
)
def test_the_bound_is_above_the_exact_tail_and_near_it(p, n, s):
    logit = math.log(p / (1 - p))
    found = mean_shift(np.full(n, logit), np.arange(n) < s)
    above, below = binom.sf(s - 1, n, p), binom.cdf(s, n, p)
    tail = math.log(2 * min(above, below))
    # Chernoff's bound lacks a factor of about the square root of n.
    assert tail < found.log_chance < tail + 0.5 * math.log(n) + 2
    # All logits are one, so the shift is known.
    assert found.logit == pytest.approx(math.log(s / (n - s)) - logit, abs=1e-8)
    assert found.error == pytest.approx((s * (1 - s / n)) ** -0.5, rel=1e-6)


def test_a_shift_of_different_logits_makes_the_means_equal():
    arrays = binary(3, n=500, rate=0.2)
    truth = arrays["labels"] == 1
    found = mean_shift(arrays["logits"] + 1.7, truth)
    assert expit(arrays["logits"] + 1.7 + found.logit).sum() == pytest.approx(
        truth.sum(), rel=1e-6
    )
    assert abs(found.logit + 1.7) < 4 * found.error
    assert found.significant


@pytest.mark.parametrize("one", [True, False])
def test_labels_that_are_all_one(one):
    p = np.array([0.2, 0.5, 0.9])
    found = mean_shift(np.log(p / (1 - p)), np.full(3, one))
    assert found.logit == (math.inf if one else -math.inf)
    exact = math.log(2 * np.prod(p if one else 1 - p))
    assert found.log_chance == pytest.approx(exact)


def test_no_alarm_of_calibrated_scores():
    """Under the null hypothesis chances are what the bound says, or less."""
    generator = np.random.default_rng(0)
    logits = generator.normal(-3.0, 2.0, size=300)
    draws = generator.random((2000, 300)) < expit(logits)
    chances = np.array([mean_shift(logits, truth).log_chance for truth in draws])
    for chance in (0.3, 0.05, 0.01):
        assert (chances <= math.log(chance)).mean() <= chance


def test_likelihood_ratio_of_three():
    given, instead = np.array([0.5, 0.25, 0.5]), np.array([0.75, 0.5, 0.25])
    truth = np.array([True, True, False])
    ratio = (0.75 * 0.5 * 0.75) / (0.5 * 0.25 * 0.5)
    assert better(instead, given, truth) == pytest.approx(math.log(ratio))
    # Certainties that are wrong cost e^-36, not infinity.
    assert better(given, np.array([0.0, 0.25, 0.5]), truth) == pytest.approx(
        36 + math.log(0.5)
    )


def test_refuted_by_the_mean_or_by_something_better():
    labels = np.tile([0.0, 1.0], 40)
    even = column(probabilities=np.full(80, 0.5), labels=labels)
    assert not refuted(even)
    assert refuted(even, np.where(labels == 1, 0.9, 0.1))
    assert not refuted(even, np.full(80, 0.4))
    assert refuted(column(probabilities=np.full(80, 0.9), labels=labels))


def test_standard_errors_of_auroc_are_those_of_mann_and_whitney():
    arrays = binary(2, n=300, rate=0.2, skill=0.4)
    own = column(**arrays)
    positives = arrays["logits"][own.truth]
    exact = mannwhitneyu(
        positives, arrays["logits"][~own.truth], method="asymptotic",
        use_continuity=False, alternative="greater",
    )  # fmt: skip
    assert norm.sf(auroc_sigmas(own)) == pytest.approx(exact.pvalue, rel=1e-9)
    assert not skilled(own)
    assert skilled(column(**binary(2, n=300, rate=0.2, skill=3.0)))
    assert auroc_sigmas(column(logits=[0.1, 0.2], labels=[1, 1])) == 0.0


def test_f1_and_the_error_of_its_gain():
    truth = np.array([True, True, False, False, True])
    predicted = np.array([True, False, True, False, False])
    assert f1(truth, predicted) == pytest.approx(2 / 5)
    assert f1(truth & False, predicted & False) == 0.0
    # Against the spread over resamples.
    generator = np.random.default_rng(4)
    truth = generator.random(3000) < 0.2
    old, new = (truth ^ (generator.random(3000) < rate) for rate in (0.2, 0.1))
    gain, error = f1_gain(truth, old, new)
    assert gain == pytest.approx(f1(truth, new) - f1(truth, old))
    gains = []
    for _ in range(400):
        rows = generator.integers(3000, size=3000)
        gains.append(f1(truth[rows], new[rows]) - f1(truth[rows], old[rows]))
    assert error == pytest.approx(np.std(gains), rel=0.15)


def test_entropy_of_a_rate():
    assert entropy(0.5) == pytest.approx(math.log(2))
    assert entropy(0.1) == pytest.approx(0.3250829733914482)
    assert entropy(0.0) == 0.0
