import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import f1_score, roc_auc_score

from conformance.training import metrics
from conformance.training.data import Problem, Split
from conformance.training.metrics.rates import rates
from conformance.training.predictions import Predictions

LABELS = np.array([0.0, 0.0, 0.0, 1.0, 1.0])
LOGITS = np.array([-3.0, -1.0, 0.5, -0.5, 2.0])


def split(labels, posterior=None):
    return Split(np.zeros((len(labels), 1)), labels, posterior)


def problem(labels=LABELS, *, task="binary", posterior=None):
    return Problem(task, split(labels), *[split(labels, posterior)] * 2)


def measure(own, *, searched_on=None, **kwargs):
    """Measures one model, and returns numbers."""
    validation = own if searched_on is None else searched_on
    found = metrics.measure(problem(**kwargs), Predictions(validation[None], own[None]))
    return {name: value for name, (value,) in found.items()}


def test_known_values():
    found = measure(LOGITS)
    assert tuple(found) == metrics.METRICS_OF["binary"]
    assert found["threshold"] == -0.5
    assert found["f1_half"] == 0.5
    assert found["recall_half"] == found["precision_half"] == 0.5
    assert found["specificity_half"] == pytest.approx(2 / 3)
    assert found["f1_searched"] == pytest.approx(0.8)
    assert found["recall_searched"] == 1.0
    assert found["precision_searched"] == pytest.approx(2 / 3)
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["auc"] == pytest.approx(5 / 6)
    # Every example has a bin of its own.
    assert found["ece"] == pytest.approx(np.abs(expit(LOGITS) - LABELS).mean())


def test_threshold_comes_from_the_validation_part():
    found = measure(LOGITS, searched_on=LOGITS + 10.0)
    assert found["threshold"] == 9.5
    assert found["f1_searched"] == 0.0


def test_zero_logit_is_predicted_positive():
    found = metrics.validation_metric(problem(np.ones(1)), np.zeros((1, 1)))
    np.testing.assert_array_equal(found, [1.0])


def test_nothing_predicted_is_zero_not_an_error():
    found = measure(np.full(5, -1.0))
    assert found["f1_half"] == found["precision_half"] == 0.0
    assert found["specificity_half"] == 1.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_gives_nan_for_its_model_alone(bad):
    broken = np.where(LOGITS > 1.0, bad, LOGITS)
    good, mixed = np.stack([LOGITS, LOGITS]), np.stack([LOGITS, broken])
    for pair in ((mixed, good), (good, mixed)):
        found = metrics.measure(problem(), Predictions(*pair))
        assert tuple(found) == metrics.METRICS_OF["binary"]
        first, second = np.array(list(found.values())).T
        assert np.isfinite(first).all()
        assert np.isnan(second).all()


def test_schedules_see_nan_where_a_logit_is():
    stack = np.stack([LOGITS, np.where(LOGITS > 1.0, np.nan, LOGITS)])
    np.testing.assert_array_equal(
        metrics.validation_metric(problem(), stack), [0.5, np.nan]
    )


@pytest.mark.parametrize("task", metrics.METRICS_OF)
def test_schedules_see_the_metric_of_the_models_own_probabilities(task):
    generator = np.random.default_rng(5)
    shape = {"multilabel": (60, 3), "heatmap": (60, 4)}.get(task, (60,))
    top = 3 if task == "multiclass" else 2
    labels = generator.integers(top, size=shape)
    labels = labels if task == "multiclass" else labels.astype(np.float64)
    logits = generator.normal(size=(2, *((60, 3) if task == "multiclass" else shape)))
    seen = metrics.validation_metric(problem(labels, task=task), logits)
    if task == "heatmap":
        expected = [f1_score(labels.ravel(), own.ravel() >= 0) for own in logits]
    else:
        own = problem(labels, task=task)
        expected = metrics.measure(own, Predictions(logits, logits, logits))[
            metrics.F1_OF[task]
        ]
    np.testing.assert_allclose(seen, expected, rtol=1e-15)


def test_rates_are_those_of_scikit_learn():
    generator = np.random.default_rng(9)
    true, predicted = generator.random((2, 300, 4)) < 0.2
    expected = [f1_score(*column) for column in zip(true.T, predicted.T, strict=True)]
    np.testing.assert_allclose(rates(true, predicted).f1, expected, rtol=1e-15)
    assert rates(true[:, 0], predicted[:, 0]).f1.shape == ()


def test_the_posterior_is_measured_as_a_model():
    eta = np.array([0.0, 0.2, 0.6, 0.45, 1.0])
    found = metrics.at_posterior(problem(posterior=eta))
    assert found is not None
    assert tuple(found) == metrics.METRICS_OF["binary"]
    assert found["threshold"] == pytest.approx(logit(0.45))
    assert found["f1_searched"] == pytest.approx(0.8)
    assert found["auc"] == pytest.approx(roc_auc_score(LABELS, eta))
    assert metrics.at_posterior(problem()) is None


def test_peaks_are_the_positives_of_a_heat_map():
    labels = np.array([[0.0, 0.9, 1.0], [1.0, 0.9, 0.3]])
    logits = np.array([[-3.0, 0.5, 2.0], [0.2, 0.3, -1.0]])
    found = measure(logits, labels=labels, task="heatmap")
    assert tuple(found) == metrics.METRICS_OF["heatmap"]
    # Behind the first peak come two that are none, then the second.
    assert found["average_precision"] == pytest.approx((1 + 2 / 4) / 2)
    assert found["f1_searched"] == pytest.approx(2 / 3)
