import json

import numpy as np
import pytest
from scipy.special import expit, log_softmax, logit, softmax

import refimpl
from conformance.training import pictures
from conformance.training.data import Problem, Split
from conformance.training.predictions import Predictions
from conformance.training.recipe import DataPlan, Strategy, Weight

GENERATOR = np.random.default_rng(41)
N = 5000
BCE = "binary_cross_entropy_with_logits"
ETA = expit(GENERATOR.normal(-1.5, 1.5, N))
LABELS = (GENERATOR.random(N) < ETA).astype(np.float64)
PLAN = DataPlan("made", "made", {}, (4,), 128, 1, 1, 1, 1, None, 0.01)
PLAIN, WEIGHTED = Strategy("p", BCE), Strategy("w", BCE, weight=Weight("ratio"))


def measure(strategy, stack, last=None, *, labels=LABELS, task="binary"):
    part = Split(np.zeros((len(labels), 1)), labels)
    problem = Problem(task, part, part, part)
    stack = np.asarray(stack)
    found = pictures.measure(problem, PLAN, strategy, Predictions(stack, stack), last)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    return found


def test_reliability_is_pooled_and_corrected():
    stack = [logit(ETA) + np.log(4.0), logit(ETA) + np.log(6.0)]
    found = measure(WEIGHTED, stack, [4.0, 6.0])["reliability"]
    raw, corrected = (
        {name: [entry[name] for entry in found[key]] for name in found[key][0]}
        for key in ("raw", "corrected")
    )
    p = np.concatenate([expit(own) for own in stack])
    inside = (p >= 0.3) & (p < 0.4)
    assert raw["count"][3] == inside.sum()
    assert raw["probability"][3] == pytest.approx(p[inside].mean())
    assert raw["rate"][3] == pytest.approx(np.tile(LABELS, 2)[inside].mean())
    assert sum(corrected["count"]) == 2 * N
    gaps = np.abs(np.subtract(corrected["rate"], corrected["probability"]))
    # Five standard errors of a rate.
    assert (gaps < 5 * np.sqrt(0.25 / (np.array(corrected["count"]) / 2))).all()


def test_nothing_is_corrected_without_a_link():
    found = measure(Strategy("g", "ghmc_loss"), [logit(ETA)])
    assert set(found["reliability"]) == {"raw"}


def test_norms_are_counted_for_one_model_and_weighed_as_by_ghm():
    stack = [logit(ETA), logit(ETA) + 1.0]
    found = measure(PLAIN, stack)["gradient_norms"]
    norms = np.abs(expit(np.array(stack)) - LABELS)
    assert found["edges"] == pytest.approx(np.arange(11) / 10)
    assert sum(found["count"]) == pytest.approx(N)
    assert found["count"][2] == ((norms >= 0.2) & (norms < 0.3)).sum() / 2
    single = measure(PLAIN, stack[:1])["gradient_norms"]
    options = {"bins": 10, "momentum": 0.0, "average_over": "nonempty"}
    loss, _ = refimpl.ghmc_loss(stack[0], LABELS, None, reduction="none", **options)
    plain = refimpl.binary_cross_entropy_with_logits(stack[0], LABELS, reduction="none")
    expected = (loss / plain)[np.argmin(np.abs(norms[0] - 0.25))]
    assert single["weight"][2] == pytest.approx(expected)


def test_an_empty_bin_weighs_nothing():
    found = measure(PLAIN, [np.where(LABELS == 1.0, 9.0, -9.0)])["gradient_norms"]
    assert found["count"][1:] == [0.0] * 9
    assert found["weight"] == [1.0] + [0.0] * 9


def test_share_of_negatives_as_the_article_adds_it_up():
    labels = np.repeat([0.0, 1.0], (1000, 100))
    logits = np.repeat([logit(0.95), logit(0.6)], (1000, 100))
    found = measure(WEIGHTED, [logits], [10.0], labels=labels)["loss_share"]
    negatives, positives = -1000 * np.log(0.05), -100 * np.log(0.6)
    share = negatives / (negatives + positives)
    assert found["plain"] == pytest.approx([share, 1 - share])
    assert found["plain"][0] == pytest.approx(0.983, abs=5e-4)
    weighted = negatives / (negatives + 10 * positives)
    assert found["own"] == pytest.approx([weighted, 1 - weighted])


def test_share_of_classes():
    scores = GENERATOR.normal(size=(60, 3))
    labels = np.arange(60) % 3
    w = np.array([0.5, 1.0, 2.0])
    strategy = Strategy("c", "cross_entropy", weight=Weight("fixed", "class_weights"))
    found = measure(strategy, [scores], [w.tolist()], labels=labels, task="multiclass")
    losses = -log_softmax(scores, axis=1)[np.arange(60), labels]
    for name, weights in (("plain", np.ones(3)), ("own", w)):
        sums = weights * np.bincount(labels, losses)
        assert found["loss_share"][name] == pytest.approx(sums / sums.sum())
    counts = [entry["count"] for entry in found["reliability"]["raw"]]
    largest = softmax(scores, axis=1).max(axis=1)
    assert counts == np.histogram(largest, 10, (0, 1))[0].tolist()
    assert "gradient_norms" not in found


def test_what_stands_around_a_peak_is_no_positive():
    labels = np.array([[0.0, 0.9, 1.0], [1.0, 0.9, 0.3]])
    found = measure(PLAIN, np.zeros((1, 2, 3)), labels=labels, task="heatmap")
    assert found["loss_share"]["plain"] == pytest.approx([4 / 6, 2 / 6])
    (entry,) = (e for e in found["reliability"]["raw"] if e["count"])
    assert entry["rate"] == pytest.approx(2 / 6)


def test_broken_models_are_left_out():
    broken = np.where(ETA > 0.5, np.nan, 0.0)
    stack = [broken, logit(ETA) + np.log(4.0)]
    found = measure(WEIGHTED, stack, [9.0, 4.0])
    assert found == measure(WEIGHTED, stack[1:], [4.0])
    assert measure(WEIGHTED, [broken], [9.0]) == {}
