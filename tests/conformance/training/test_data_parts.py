import json

import numpy as np
import pytest

from conformance.training.data import SOURCES, Problem, Split
from conformance.training.data.parts import dealt, standardised


def problem_of(task, labels):
    part = Split(np.zeros((len(labels), 2)), np.asarray(labels))
    return Problem(task, part, part, part)


def test_sources_are_named_after_their_functions():
    assert {name: source.__name__ for name, source in SOURCES.items()} == {
        name: name for name in SOURCES
    }


def test_binary_is_counted():
    problem = problem_of("binary", [0.0, 1.0, 0.0, 0.0])
    assert (problem.classes, problem.positives, problem.negatives) == (1, 1, 3)
    assert problem.ratio == 3.0
    assert list(problem.class_counts) == [3, 1]
    assert problem.counts()["test"] == [1, 3]


def test_multilabel_is_counted_by_label():
    labels = np.array([[0, 1, 1], [1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
    problem = problem_of("multilabel", labels)
    assert problem.classes == 3
    np.testing.assert_array_equal(problem.positives, [1, 3, 2])
    np.testing.assert_array_equal(problem.negatives, [3, 1, 2])
    np.testing.assert_array_equal(problem.ratio, [3, 1 / 3, 1])
    assert problem.counts()["test"] == [[1, 3, 2], [3, 1, 2]]


def test_multiclass_is_counted_by_class():
    problem = problem_of("multiclass", [0, 2, 0, 1, 0, 2])
    assert problem.classes == 3
    assert list(problem.class_counts) == [3, 1, 2]
    assert problem.counts()["validation"] == [3, 1, 2]


def test_heatmap_counts_peaks_against_all_other_pixels():
    problem = problem_of("heatmap", [[0.0, 1.0, 0.99], [0.5, 0.1, 0.0]])
    assert (problem.classes, problem.positives, problem.ratio) == (1, 1, 5.0)
    assert problem.counts()["train"] == [1, 5]


@pytest.mark.parametrize("task", ["binary", "multilabel", "multiclass", "heatmap"])
def test_counts_are_plain(task):
    labels = [[0, 1], [1, 0]] if task in ("multilabel", "heatmap") else [0, 1]
    counts = problem_of(task, np.array(labels)).counts()
    assert json.loads(json.dumps(counts)) == counts


def test_every_group_is_dealt_half_and_two_quarters():
    groups = np.repeat([3, -1, 8], [8, 5, 1])
    part = dealt(np.random.default_rng(0), groups)
    assert list(np.bincount(part[groups == 3])) == [4, 2, 2]
    assert list(np.bincount(part[groups == -1])) == [3, 1, 1]
    assert list(part[groups == 8]) == [0]
    assert list(part[:8]) != [0, 1, 0, 2] * 2  # shuffled


def test_scale_is_that_of_training():
    features = np.array([[1.0, 5.0], [3.0, 5.0], [9.0, 7.0]])
    part = np.array([0, 0, 2])
    expected = [[-1.0, 0.0], [1.0, 0.0], [7.0, 2.0]]
    np.testing.assert_array_equal(standardised(features, part), expected)
    whole = standardised(features, part, axis=None)
    assert whole[:2].mean() == pytest.approx(0.0)
    assert whole[:2].std() == pytest.approx(1.0)
