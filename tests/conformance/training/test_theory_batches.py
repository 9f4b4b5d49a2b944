"""What batches make of classes, against batches that are drawn."""

import numpy as np
import pytest
from scipy.special import expit, logit

from conformance.training import theory
from conformance.training.data import Problem, Split
from conformance.training.predictions import Predictions
from conformance.training.recipe import DataPlan, Strategy, Weight
from conformance.training.theory.effective import batch_pos_weight, class_factors

COUNTS = (1600, 320, 80)
SHARES = np.array(COUNTS) / sum(COUNTS)
BATCH, DRAWS = 24, 400_000
PLAN = DataPlan("made", "made", {}, (4,), BATCH, 1, 1, 1, 1, None, 0.01)
ERRORS = 5.0


def problem(counts=COUNTS, task="multiclass"):
    labels = np.repeat(np.arange(len(counts)), counts)
    labels = labels if task == "multiclass" else labels.astype(np.float64)
    return Problem(task, *[Split(np.zeros((len(labels), 1)), labels)] * 3)


def drawn(shares, size, weights, *, least=0.0):
    """Returns the mean of one over a part's weight, given an example of each class."""
    others = np.random.default_rng(5).multinomial(size - 1, shares, DRAWS) @ weights
    values = 1 / np.maximum(weights + others[:, None], least)
    return values.mean(axis=0), values.std(axis=0) / np.sqrt(DRAWS)


def check(found, expected):
    mean, error = expected
    np.testing.assert_array_less(np.abs(found - mean), ERRORS * error)


@pytest.mark.parametrize("resampling", ["none", "oversample"])
def test_sampling_by_weights_changes_the_shares(resampling):
    w = np.array([0.1, 0.8, 5.0])
    strategy = Strategy("s", "cross_entropy", sampler=tuple(w), resampling=resampling)
    found = class_factors(problem(), PLAN, strategy, np.ones(3))
    before = SHARES if resampling == "none" else np.full(3, 1 / 3)
    expected = before * w / SHARES
    np.testing.assert_allclose(found / found.sum(), expected / expected.sum())


@pytest.mark.parametrize("sampler", ["shuffled", "balanced"])
def test_dividing_by_the_weights_of_a_batch_weakens_them(sampler):
    w = np.array([0.1, 0.8, 5.0])
    strategy = Strategy("s", "cross_entropy", divisor="weights", sampler=sampler)
    factors = class_factors(problem(), PLAN, strategy, w)
    shares = np.full(3, 1 / 3) if sampler == "balanced" else SHARES
    mean, error = drawn(shares, BATCH, w)
    ratio = shares / SHARES
    # Only proportions count.
    scale = (ratio * mean).sum() / factors.sum()
    check(factors * scale / ratio, (mean, 2 * error))
    assert np.log(mean[2] / mean[0]) < -0.1


def test_dividing_by_positives_weakens_them_where_they_are_few():
    strategy = Strategy("s", "sigmoid_focal_loss", divisor="positives")
    binary = problem((1900, 100), "binary")
    factors = class_factors(binary, PLAN, strategy, np.ones(2))
    only = drawn(np.array([0.95, 0.05]), BATCH, np.array([0.0, 1.0]), least=1.0)
    check(factors / BATCH, only)


def test_every_shard_divides_by_its_own():
    w = np.array([0.2, 4.0])
    strategy = Strategy("s", "cross_entropy", divisor="weights", shards=(2, 1))
    factors = class_factors(problem((1800, 200), "binary"), PLAN, strategy, w)
    shares = np.array([0.9, 0.1])
    (large, e), (small, f) = drawn(shares, 16, w), drawn(shares, 8, w)
    mean = 16 * large + 8 * small
    found = factors * mean.sum() / factors.sum()
    check(found, (mean, 2 * (16 * e + 8 * f)))


def test_weighted_positives_that_divide_by_weights_follow_their_link():
    generator = np.random.default_rng(4)
    eta = expit(generator.normal(-2.0, 1.0, 2000))
    part = Split(np.zeros((2000, 1)), np.repeat([0.0, 1.0], (1800, 200)), eta)
    mean, _ = drawn(np.array([0.9, 0.1]), BATCH, np.array([1.0, 9.0]))
    logits = logit(eta) + np.log(9.0 * mean[1] / mean[0])
    strategy = Strategy(
        "s",
        "binary_cross_entropy_with_logits",
        weight=Weight("ratio"),
        divisor="weights",
    )
    found = theory.measure(
        Problem("binary", part, part, part),
        PLAN,
        strategy,
        Predictions(logits[None], logits[None]),
        [9.0],
    )
    # The factors are drawn here and integrated there.
    assert found["offset"][0] == pytest.approx(0.0, abs=1e-3)
    assert np.log(mean[1] / mean[0]) < -0.1


@pytest.mark.parametrize("divisor", ["count", "one"])
def test_other_divisors_leave_the_classes_as_they_are(divisor):
    strategy = Strategy("s", "cross_entropy", divisor=divisor)
    factors = class_factors(problem(), PLAN, strategy, np.array([0.1, 0.8, 5.0]))
    np.testing.assert_allclose(factors / factors[0], 1.0, rtol=1e-12)


def test_smoothed_classes_that_divide_by_weights_follow_their_link():
    """Smoothing comes after the divisor, which counts the label's weight alone."""
    generator = np.random.default_rng(3)
    eta = generator.dirichlet([4.0, 2.0, 1.0], sum(COUNTS))
    labels = np.repeat(np.arange(3), COUNTS)
    part = Split(np.zeros((len(labels), 1)), labels, eta)
    w = np.array([0.1, 0.8, 5.0])
    tilted = eta * drawn(SHARES, BATCH, w)[0]
    tilted = tilted / tilted.sum(axis=1, keepdims=True)
    logits = np.log(w * (0.9 * tilted + 0.1 / 3))
    strategy = Strategy(
        "s",
        "cross_entropy",
        (("label_smoothing", 0.1),),
        Weight("fixed", "class_weights"),
        divisor="weights",
    )
    found = theory.measure(
        Problem("multiclass", part, part, part),
        PLAN,
        strategy,
        Predictions(logits[None], logits[None]),
        [w.tolist()],
    )
    # The factors are drawn here and integrated there.
    assert found["slope"][0] == pytest.approx(1.0, abs=1e-3)
    assert found["offset"][0] == pytest.approx(0.0, abs=1e-3)


def test_a_positive_that_its_batch_weighs():
    rates = np.array([0.02, 0.3])
    others = np.random.default_rng(7).binomial(BATCH - 1, rates, (DRAWS, 2))
    weights = np.minimum((BATCH - 1 - others) / (1 + others), 15.0)
    error = weights.std(axis=0) / np.sqrt(DRAWS)
    check(batch_pos_weight(rates, BATCH, 15.0), (weights.mean(axis=0), error))


def made_labels():
    generator = np.random.default_rng(9)
    eta = expit(generator.normal([-3.0, -1.0], 1.0, (5000, 2)))
    flags = (generator.random(eta.shape) < eta).astype(np.float64)
    part = Split(np.zeros((5000, 1)), flags, eta)
    return Problem("multilabel", part, part, part)


@pytest.mark.parametrize("kind", ["batch", "moving"])
def test_weights_of_batches_have_their_mean_and_not_their_last_value(kind):
    made = made_labels()
    rate = made.positives / 5000
    mean = {
        "batch": batch_pos_weight(rate, BATCH, 9.0),
        "moving": np.minimum((1 - rate) / rate, 9.0),
    }[kind]
    logits = logit(made.test.posterior) + np.log(mean)
    weight = Weight(kind, constants=(("max_value", 9.0),))
    found = theory.measure(
        made,
        PLAN,
        Strategy("s", "binary_cross_entropy_with_logits", weight=weight),
        Predictions(logits[None], logits[None]),
        [[1.0, 1.0]],
    )
    assert found["slope"][0] == pytest.approx(1.0, abs=1e-9)
    assert found["offset"][0] == pytest.approx(0.0, abs=1e-9)


def test_errors_of_the_line_are_those_that_drawn_labels_make():
    generator = np.random.default_rng(21)
    eta = expit(generator.normal(-1.0, 1.5, 1500))
    made = Problem("binary", *[Split(eta[:, None], (eta > 0.5) * 1.0, eta)] * 3)
    strategy = Strategy("s", "binary_cross_entropy_with_logits")
    logits = logit(eta)[None]
    found = theory.measure(made, PLAN, strategy, Predictions(logits, logits), None)
    told = eta * (1 - eta)
    x = np.stack([logit(eta) - np.average(logit(eta), weights=told), np.ones(1500)])
    # One step of Newton's method from the truth, for each draw.
    score = x @ (generator.random((1500, 2000)) < eta[:, None]) - (x @ eta)[:, None]
    steps = np.linalg.solve((x * told) @ x.T, score)
    # Five standard errors of a deviation of 2000 draws.
    near = {"rel": 5 / np.sqrt(2 * 2000)}
    assert found["slope_error"][0] == pytest.approx(steps[0].std(), **near)
    assert found["offset_error"][0] == pytest.approx(steps[1].std(), **near)


def test_the_error_of_a_mean_over_labels_falls_with_their_number():
    made = made_labels()
    eta = np.asarray(made.test.posterior)
    strategy = Strategy("s", "binary_cross_entropy_with_logits")
    logits = logit(eta)[None]
    found = theory.measure(made, PLAN, strategy, Predictions(logits, logits), None)
    errors = 1 / np.sqrt((eta * (1 - eta)).sum(axis=0))
    expected = np.sqrt((errors**2).sum()) / 2
    assert found["offset_error"][0] == pytest.approx(expected)
