import numpy as np
import pytest

from conformance.metrics.inputs import probabilities_from_logits, read_scores

ROWS = [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]]


@pytest.mark.parametrize(
    ("labels", "probabilities", "kind", "names"),
    [
        ([0, 1], [0.2, 0.7], "binary", ("0", "1")),
        ([True, False], [0.2, 0.7], "binary", ("0", "1")),
        ([[0.0, 1.0, 1.0], [0.0, 0.0, 0.0]], ROWS, "multilabel", ("0", "1", "2")),
        ([[1], [0]], [[0.2], [0.7]], "multilabel", ("0",)),
        ([2, 0], ROWS, "multiclass", ("0", "1", "2")),
    ],
)
def test_shapes_tell_the_kind(labels, probabilities, kind, names):
    scores = read_scores(labels, probabilities)
    assert (scores.kind, scores.names) == (kind, names)
    assert scores.labels.dtype == np.int64
    assert scores.probabilities.dtype == np.float64


def test_columns_are_one_class_against_the_rest():
    scores = read_scores([2, 0], ROWS, names=["a", "b", "c"])
    assert scores.indicators.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert scores.column_names == ("a", "b", "c")
    binary = read_scores([0, 1], [0.2, 0.7], names=["real", "fake"])
    assert binary.indicators.tolist() == [[0], [1]]
    assert binary.columns.tolist() == [[0.2], [0.7]]
    assert binary.column_names == ("fake",)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_rounded_rows_are_made_to_sum_to_one(dtype):
    rows = np.random.default_rng(3).dirichlet(np.ones(50), size=40)
    found = read_scores(np.arange(40), rows.astype(dtype)).probabilities
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-15)


@pytest.mark.parametrize(
    ("labels", "probabilities", "message"),
    [
        ([], [], "N >= 1"),
        ([0, 1], [0.5], r"got \(2,\) and \(1,\)"),
        ([0, 1], [[0.5], [0.5]], "K >= 2"),
        ([[0], [1]], [0.5, 0.5], r"got \(2, 1\) and \(2,\)"),
        ([[0, 1]], [[0.5, 0.3, 0.2]], "must be shaped"),
        ([0, 2], [0.5, 0.5], "labels must be 0 or 1, got 2"),
        ([0, -1], [0.5, 0.5], "got -1"),
        ([0.0, 0.5], [0.5, 0.5], "got 0.5"),
        ([0.0, np.nan], [0.5, 0.5], "got nan"),
        ([0, 3], ROWS, r"class indices in \[0, 3\), got 3"),
        ([0, -100], ROWS, "got -100"),
        ([0, 1], [0.5, 1.5], r"probabilities must be in \[0, 1\], got 1.5"),
        ([0, 1], [-3.0, 0.5], "got -3.0"),
        ([0, 1], [np.nan, 0.5], "got nan"),
        ([0, 1], [[0.5, 0.6], [0.5, 0.5]], "sum to 1"),
    ],
)
def test_bad_scores_raise(labels, probabilities, message):
    with pytest.raises(ValueError, match=message):
        read_scores(labels, probabilities)


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", "b", "c"]])
def test_names_fit_the_classes(names):
    with pytest.raises(ValueError, match="2 different names"):
        read_scores([0, 1], [0.5, 0.5], names=names)


def test_logits_become_probabilities():
    found = probabilities_from_logits(np.array([-1000.0, 0.0, 3.0], np.float32))
    np.testing.assert_allclose(found, [0.0, 0.5, 1 / (1 + np.exp(-3.0))], rtol=1e-15)
    rows = probabilities_from_logits(
        [[1000.0, 0.0], [0.0, np.log(3)]], activation="softmax"
    )
    np.testing.assert_allclose(rows, [[1.0, 0.0], [0.25, 0.75]], rtol=1e-15)
    with pytest.raises(ValueError, match="activation must be one of"):
        probabilities_from_logits([0.0], activation="tanh")
