import numpy as np
import pytest

from conformance.training.metrics import METRICS, evaluate, f1_at_half

LABELS = np.array([0.0, 0.0, 0.0, 1.0, 1.0])
LOGITS = np.array([-3.0, -1.0, 0.5, -0.5, 2.0])


def test_known_values():
    found = evaluate(LABELS, LOGITS, (LABELS, LOGITS))
    assert found["threshold"] == -0.5
    assert found["f1_half"] == 0.5
    assert found["recall_half"] == found["precision_half"] == 0.5
    assert found["f1_searched"] == pytest.approx(0.8)
    assert found["recall_searched"] == 1.0
    assert found["precision_searched"] == pytest.approx(2 / 3)
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)


def test_threshold_comes_from_the_other_part():
    found = evaluate(LABELS, LOGITS, (LABELS, LOGITS + 10.0))
    assert found["threshold"] == 9.5
    assert found["f1_searched"] == 0.0


def test_zero_logit_is_predicted_positive():
    assert f1_at_half(np.ones(1), np.zeros(1)) == 1.0


def test_nothing_predicted_is_zero_not_an_error():
    assert f1_at_half(LABELS, np.full(5, -1.0)) == 0.0


def test_nan_gives_nan():
    logits = np.where(LOGITS > 1.0, np.nan, LOGITS)
    assert np.isnan(f1_at_half(LABELS, logits))
    for pair in ((logits, LOGITS), (LOGITS, logits)):
        found = evaluate(LABELS, pair[0], (LABELS, pair[1]))
        assert set(found) == {*METRICS, "threshold"}
        assert np.isnan(list(found.values())).all()
