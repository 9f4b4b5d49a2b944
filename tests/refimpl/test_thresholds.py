import numpy as np
import pytest
from sklearn.metrics import f1_score

from refimpl.thresholds import best_f1_threshold


def brute_force(scores, labels):
    """Tries every score; of equal F1 the highest threshold wins."""
    candidates = sorted(set(scores), reverse=True)
    reached = []
    for candidate in candidates:
        hits = sum(labels[scores >= candidate])
        reached.append(2 * hits / (sum(scores >= candidate) + sum(labels)))
    best = int(np.argmax(reached))
    return candidates[best], reached[best]


@pytest.mark.parametrize("seed", range(40))
def test_agrees_with_trying_every_score(seed):
    generator = np.random.default_rng(seed)
    size = int(generator.integers(1, 40))
    labels = (generator.random(size) < generator.uniform(0.1, 0.9)).astype(int)
    # Rounded, so that many scores tie, also across classes.
    scores = np.round(generator.normal(size=size) + labels, 1)
    found = best_f1_threshold(scores, labels)
    value, score = brute_force(scores, labels)
    assert found.value == value
    assert found.score == pytest.approx(score, rel=1e-15)


def test_returned_score_is_what_the_rule_gives():
    scores, labels = [0.2, 0.7, 0.7, 0.7, 0.9], [0, 1, 0, 1, 0]
    found = best_f1_threshold(scores, labels)
    predicted = np.asarray(scores) >= found.value
    assert found.score == f1_score(labels, predicted)
    # Equal scores go together: a threshold cannot keep two of the three.
    assert found == (0.7, 2 * 2 / (4 + 2))


def test_higher_threshold_wins_a_tie():
    # Both 3.0 (1 of 1 right, 1 missed) and 1.0 (2 of 4 right) reach F1 = 2/3.
    found = best_f1_threshold([3.0, 2.0, 1.5, 1.0], [1, 0, 0, 1])
    assert found == (3.0, pytest.approx(2 / 3))


@pytest.mark.parametrize(("label", "value", "score"), [(0, 2.0, 0.0), (1, 1.0, 1.0)])
def test_one_class_gives_a_finite_threshold(label, value, score):
    assert best_f1_threshold([1.0, 2.0], [label, label]) == (value, score)


def test_extreme_scores_stay_finite():
    found = best_f1_threshold([-1e308, 1e308], [0, 1])
    assert found == (1e308, 1.0)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([], [], "N >= 1"),
        ([1.0], [1, 0], "same shape"),
        ([[1.0]], [[1]], "same shape"),
        ([np.nan], [1], "finite"),
        ([np.inf], [1], "finite"),
        ([1.0], [2], "0 or 1"),
        ([1.0], [0.5], "0 or 1"),
    ],
)
def test_bad_arguments_raise(scores, labels, message):
    with pytest.raises(ValueError, match=message):
        best_f1_threshold(scores, labels)
