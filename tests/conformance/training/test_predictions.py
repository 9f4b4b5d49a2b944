import numpy as np
import pytest

from conformance.training.data import Problem, Split
from conformance.training.predictions import NOISE_SIGMA, predict

FEATURES = np.random.default_rng(3).normal(size=(400, 5))


def problem(task):
    parts = (Split(FEATURES + shift, np.zeros(400, np.int64)) for shift in (0, 1, 2))
    return Problem(task, *parts)


def stack(features):
    return np.stack([features @ np.ones(5), features[:, 0]])


def test_parts_are_not_mixed_up():
    found = predict(stack, problem("binary"))
    np.testing.assert_array_equal(found.validation, stack(FEATURES + 1))
    np.testing.assert_array_equal(found.test, stack(FEATURES + 2))


@pytest.mark.parametrize("task", ["binary", "multilabel", "heatmap"])
def test_only_classes_are_asked_under_noise(task):
    assert predict(stack, problem(task)).noisy is None


def test_noise_is_the_same_every_time_and_as_large_as_said():
    first, again = (predict(stack, problem("multiclass")).noisy for _ in range(2))
    assert first is not None
    assert again is not None
    np.testing.assert_array_equal(first, again)
    noise = first[1] - (FEATURES + 2)[:, 0]
    # Five standard errors of a deviation of 400 draws.
    assert noise.std() == pytest.approx(NOISE_SIGMA, rel=5 / np.sqrt(2 * 400))
