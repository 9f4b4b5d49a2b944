import numpy as np
import pytest
from scipy.special import expit, logit, softmax
from sklearn.metrics import f1_score

from conformance.training import theory
from conformance.training.data import Problem, Split
from conformance.training.predictions import Predictions
from conformance.training.recipe import DataPlan, Mining, Strategy, Weight
from refimpl import links

GENERATOR = np.random.default_rng(17)
N = 40_000
BCE, CE = "binary_cross_entropy_with_logits", "cross_entropy"
RATIO, WEIGHTS = Weight("ratio"), Weight("fixed", "class_weights")
ETA = expit(GENERATOR.normal(-1.5, 1.5, N))
LABELS = (GENERATOR.random(N) < ETA).astype(np.float64)
ETAS = softmax(GENERATOR.normal([2.0, 0.0, -1.0], 1.0, (N, 3)), axis=1)
CLASSES = (GENERATOR.random(N)[:, None] > ETAS.cumsum(axis=1)).sum(axis=1)
FLAGS = np.stack([LABELS, LABELS[::-1]], axis=1)
BOTH = np.stack([ETA, ETA[::-1]], axis=1)
PLAN = DataPlan("made", "made", {}, (4,), 128, 1, 1, 1, 1, None, 0.01)


def problem(task="binary", *, known=True):
    labels, eta = {
        "binary": (LABELS, ETA),
        "multiclass": (CLASSES, ETAS),
        "multilabel": (FLAGS, BOTH),
        "heatmap": (FLAGS, None),
    }[task]
    part = Split(np.zeros((N, 1)), labels, eta if known else None)
    return Problem(task, part, part, part)


def measure(strategy, logits, *, last=None, task="binary", known=True):
    """Measures one model, and returns numbers."""
    weights = None if last is None else [last]
    found = theory.measure(
        problem(task, known=known),
        PLAN,
        strategy,
        Predictions(logits[None], logits[None]),
        weights,
    )
    return {name: value for name, (value,) in found.items()}


def check_follows(found):
    assert found["slope"] == pytest.approx(1.0, abs=1e-9)
    assert found["offset"] == pytest.approx(0.0, abs=1e-9)
    # Ten bins of labels that were drawn: five standard errors in each.
    assert found["ece_corrected"] < 5 * np.sqrt(10 * 0.25 / N)


RATE = LABELS.mean()
ODDS = np.log((1 - RATE) / RATE)
BINARY = {
    "plain": (Strategy("s", BCE), None, logit(ETA)),
    "weighted": (Strategy("s", BCE, weight=RATIO), 5.0, logit(ETA) + np.log(5)),
    "smoothed": (
        Strategy("s", BCE, (("label_smoothing", 0.2),)),
        None,
        logit(0.8 * ETA + 0.1),
    ),
    "sampler": (Strategy("s", BCE, sampler="balanced"), None, logit(ETA) + ODDS),
    "oversampled": (
        Strategy("s", BCE, resampling="oversample"),
        None,
        logit(ETA) + ODDS,
    ),
    "sampler and weight": (
        Strategy("s", BCE, weight=RATIO, sampler="balanced"),
        3.0,
        logit(ETA) + ODDS + np.log(3),
    ),
    "printed": (Strategy("s", "bce_of_probabilities"), None, logit(ETA)),
    "shifted": (Strategy("s", "bce_of_shifted_probabilities"), None, logit(ETA)),
    "focal": (
        Strategy("s", "sigmoid_focal_loss", (("alpha", 0.25), ("gamma", 2.0))),
        None,
        links.sigmoid_focal_link(ETA, alpha=0.25, gamma=2.0),
    ),
    "adaptive": (
        Strategy(
            "s",
            "adaptive_bce_with_logits",
            (("gamma", 1.5), ("modulator", "weighted_loss")),
            RATIO,
        ),
        4.0,
        links.adaptive_bce_link(
            ETA, pos_weight=4.0, gamma=1.5, modulator="weighted_loss"
        ),
    ),
}


@pytest.mark.parametrize("name", BINARY)
def test_the_minimiser_follows_its_link(name):
    strategy, last, logits = BINARY[name]
    found = measure(strategy, logits, last=last)
    check_follows(found)
    expected = f1_score(LABELS, ETA >= 0.5)
    assert found["f1_corrected_half"] == pytest.approx(expected, abs=1e-12)


def test_the_raw_probability_of_a_weighted_model_is_not_calibrated():
    found = measure(Strategy("s", BCE, weight=RATIO), logit(ETA) + np.log(5), last=5.0)
    assert found["ece_raw"] > 0.1


def test_a_weight_that_is_wrong_by_a_tenth_is_an_offset():
    logits = logit(ETA) + np.log(5.5)
    found = measure(Strategy("s", BCE, weight=RATIO), logits, last=5.0)
    assert found["slope"] == pytest.approx(1.0, abs=1e-9)
    assert found["offset"] == pytest.approx(np.log(1.1), abs=1e-9)


def test_a_model_that_is_too_sure_is_a_slope():
    found = measure(Strategy("s", BCE), 1.3 * logit(ETA))
    assert found["slope"] == pytest.approx(1.3, abs=1e-9)
    assert found["ece_corrected"] > 0.01


def test_what_no_label_tells_does_not_count():
    # Far out, where all labels are alike, a network says something else.
    logits = np.where(ETA < 1e-3, -3.0, logit(ETA))
    found = measure(Strategy("s", BCE), logits)
    assert found["slope"] == pytest.approx(1.0, abs=0.01)
    line = np.polyfit(logit(ETA), logits, 1)
    assert abs(line[0] - 1.0) > 5 * abs(found["slope"] - 1.0)


def test_every_model_has_its_own_weight():
    stack = np.stack([logit(ETA) + np.log(w) for w in (2.0, 3.0, 2.0)])
    found = theory.measure(
        problem(),
        PLAN,
        Strategy("s", BCE, weight=Weight("dynamic")),
        Predictions(stack, stack),
        [2.0, 3.0, 3.0],
    )
    expected = [0.0, 0.0, np.log(2 / 3)]
    np.testing.assert_allclose(found["offset"], expected, atol=1e-9)


def test_classes_follow_weights_and_smoothing():
    w = np.array([0.3, 1.0, 4.0])
    logits = np.log(w * (0.85 * ETAS + 0.05)) + GENERATOR.normal(size=(N, 1))
    strategy = Strategy("s", CE, (("label_smoothing", 0.15),), WEIGHTS)
    found = measure(strategy, logits, last=w.tolist(), task="multiclass")
    check_follows(found)


def test_a_wrong_weight_of_the_rarest_class_is_an_offset():
    w = np.array([0.3, 1.0, 4.0])
    logits = np.log(w * np.array([1.0, 1.0, 1.1]) * ETAS)
    found = measure(
        Strategy("s", CE, weight=WEIGHTS), logits, last=w.tolist(), task="multiclass"
    )
    assert found["offset"] == pytest.approx(np.log(1.1), abs=1e-9)


def test_a_class_that_is_as_good_as_impossible_disturbs_no_other():
    eta = np.concatenate([1e-14 * ETAS[:, :1], ETAS[:, 1:]], axis=1)
    eta = eta / eta.sum(axis=1, keepdims=True)
    part = Split(np.zeros((N, 1)), CLASSES, eta)
    logits = np.log(eta) + np.array([9.0, 0.0, 0.0])
    found = theory.measure(
        Problem("multiclass", part, part, part),
        PLAN,
        Strategy("s", CE),
        Predictions(logits[None], logits[None]),
        None,
    )
    assert found["slope"][0] == pytest.approx(1.0, abs=1e-6)


def test_a_balanced_sampler_and_weights_correct_twice():
    counts = np.bincount(CLASSES)
    w = N / (3 * counts)
    strategy = Strategy("s", CE, weight=WEIGHTS, sampler="balanced")
    logits = np.log(w * ETAS / counts)
    check_follows(measure(strategy, logits, last=w.tolist(), task="multiclass"))


def test_labels_follow_their_own_weights():
    w = np.array([2.0, 7.0])
    found = measure(
        Strategy("s", BCE, weight=RATIO),
        logit(BOTH) + np.log(w),
        last=w.tolist(),
        task="multilabel",
    )
    check_follows(found)


@pytest.mark.parametrize(
    ("strategy", "task"),
    [
        (Strategy("s", BCE, mining=Mining(0.2, 0.3)), "binary"),
        (Strategy("s", "ghmc_loss"), "binary"),
        (Strategy("s", BCE), "heatmap"),
        (Strategy("s", BCE, sampler="balanced"), "multilabel"),
        (Strategy("s", BCE, weight=RATIO, divisor="weights"), "multilabel"),
    ],
)
def test_no_link_no_theory(strategy, task):
    logits = np.zeros_like(FLAGS if task in ("multilabel", "heatmap") else LABELS)
    assert measure(strategy, logits, task=task) == {}


def test_without_posterior_only_calibration_is_told():
    strategy, last, logits = BINARY["weighted"]
    found = measure(strategy, logits, last=last, known=False)
    whole = measure(strategy, logits, last=last)
    assert set(found) == {"ece_raw", "ece_corrected", "f1_corrected_half"}
    assert found == {name: whole[name] for name in found}


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_gives_nan_for_its_model_alone(bad):
    stack = np.stack([logit(ETA), logit(ETA)])
    stack[1, 5] = bad
    strategy = Strategy("s", BCE)
    found = theory.measure(problem(), PLAN, strategy, Predictions(stack, stack), None)
    first, second = np.array(list(found.values())).T
    assert np.isfinite(first).all()
    assert np.isnan(second).all()
