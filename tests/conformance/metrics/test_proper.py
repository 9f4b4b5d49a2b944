import math

import mpmath
import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.metrics import brier_score_loss, log_loss

from conformance.metrics import evaluate, predictive_entropy
from tests.conformance.metrics.made import binary, multiclass, multilabel

EPSILON = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize("seed", range(5))
def test_brier_agrees_with_its_definition_and_scikit_learn(seed):
    labels, p = binary(seed)
    found = evaluate(labels, p).overall.brier
    assert found == pytest.approx(np.mean((p - labels) ** 2), rel=1e-14)
    assert found == pytest.approx(brier_score_loss(labels, p), rel=1e-14)
    labels, p = multilabel(seed)
    found = evaluate(labels, p).overall.brier
    by_label = [brier_score_loss(labels[:, c], p[:, c]) for c in range(p.shape[1])]
    assert found == pytest.approx(np.mean(by_label), rel=1e-14)
    labels, p = multiclass(seed)
    found = evaluate(labels, p).overall.brier
    squares = np.sum((p - np.eye(4)[labels]) ** 2, axis=1)
    assert found == pytest.approx(np.mean(squares), rel=1e-14)
    assert found == pytest.approx(brier_score_loss(labels, p), rel=1e-14)


def test_brier_of_two_exclusive_classes_is_the_sum():
    labels, p = binary()
    rows = np.stack([1.0 - p, p], axis=1)
    one, two = evaluate(labels, p).overall, evaluate(labels, rows).overall
    assert two.brier == pytest.approx(2.0 * one.brier, rel=1e-14)
    assert two.log_loss == pytest.approx(one.log_loss, rel=1e-12)
    assert two.entropy == pytest.approx(one.entropy, rel=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_log_loss_agrees_with_its_definition_and_scikit_learn(seed):
    labels, p = binary(seed)
    p = np.clip(p, 0.01, 0.99)
    found = evaluate(labels, p).overall.log_loss
    expected = -np.log(np.where(labels, p, 1.0 - p)).mean()
    assert found == pytest.approx(expected, rel=1e-14)
    labels, p = multilabel(seed)
    p = np.clip(p, 0.01, 0.99)
    found = evaluate(labels, p).overall.log_loss
    by_label = [log_loss(labels[:, c], p[:, c]) for c in range(p.shape[1])]
    assert found == pytest.approx(np.mean(by_label), rel=1e-14)
    labels, p = multiclass(seed)
    found = evaluate(labels, p).overall.log_loss
    expected = -np.log(p[np.arange(len(p)), labels]).mean()
    assert found == pytest.approx(expected, rel=1e-14)
    assert found == pytest.approx(log_loss(labels, p), rel=1e-14)


def test_what_was_ruled_out_costs_the_clip():
    assert evaluate([1, 0], [0.0, 0.0]).overall.log_loss == pytest.approx(
        -math.log(EPSILON) / 2
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_rounded_probabilities_of_classes_are_accepted(dtype):
    labels, p = multiclass()
    exact, rounded = evaluate(labels, p), evaluate(labels, p.astype(dtype))
    # Half a unit of the last place of each probability, relative.
    slack = float(np.finfo(dtype).eps)
    assert rounded.overall.log_loss == pytest.approx(exact.overall.log_loss, abs=slack)
    assert rounded.overall.brier == pytest.approx(exact.overall.brier, abs=slack)


@pytest.mark.parametrize("p", [0.0, 1e-300, 1e-17, 0.1, 0.5, 0.9, 1.0 - EPSILON, 1.0])
def test_binary_entropy_is_exact_in_both_tails(p):
    # Enough digits for 1 - 1e-300.
    with mpmath.workdps(400):
        sides = (mpmath.mpf(p), 1 - mpmath.mpf(p))
        expected = -sum(side * mpmath.log(side) for side in sides if side)
    found = predictive_entropy(p)
    # Two rounded terms and their sum.
    assert found == pytest.approx(float(expected), rel=4 * EPSILON, abs=0.0)
    assert not np.signbit(found)


def test_entropy_of_classes_agrees_with_scipy():
    _, p = multiclass()
    found = predictive_entropy(p, exclusive=True)
    np.testing.assert_allclose(found, entropy(p, axis=1), rtol=1e-13)
    assert predictive_entropy([[0.0, 1.0, 0.0]], exclusive=True).tolist() == [0.0]
    uniform = predictive_entropy(np.full(8, 0.125), exclusive=True)
    assert uniform == pytest.approx(math.log(8), rel=1e-15)


def test_mean_entropy_is_that_of_the_kind():
    labels, p = multilabel()
    assert evaluate(labels, p).overall.entropy == predictive_entropy(p).mean()
    labels, p = multiclass()
    expected = entropy(p, axis=1).mean()
    assert evaluate(labels, p).overall.entropy == pytest.approx(expected, rel=1e-13)


def test_entropy_keeps_shape_and_nan():
    found = predictive_entropy(np.array([[0.5, np.nan]], np.float32))
    assert found.shape == (1, 2)
    assert np.isnan(found).tolist() == [[False, True]]
    with pytest.raises(ValueError, match=r"probabilities must be in \[0, 1\], got 1.5"):
        predictive_entropy([0.2, 1.5])
