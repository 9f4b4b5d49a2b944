"""The search against trying every cut in exact fractions, and its promises."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from refimpl.thresholds import search_threshold

OBJECTIVES: list[tuple[str, dict[str, Any]]] = [
    ("f1", {}),
    ("fbeta", {"beta": 2.0}),
    ("fbeta", {"beta": 0.0}),
    ("youden", {}),
    ("balanced_accuracy", {}),
    ("cost", {"cost_false_positive": 2.0, "cost_false_negative": 5.0}),
    ("cost", {"cost_false_positive": 3.0, "cost_false_negative": 0.0}),
    ("recall_at_precision", {"bound": 0.5}),
    ("recall_at_precision", {"bound": 1.0}),
    ("precision_at_recall", {"bound": 0.75}),
    ("precision_at_recall", {"bound": 0.0}),
]
EACH = pytest.mark.parametrize(("objective", "options"), OBJECTIVES)
# Few distinct scores, so that many tie, also across classes.
EXAMPLES = st.lists(
    st.tuples(st.integers(-4, 4).map(lambda i: i / 8), st.integers(0, 1)),
    min_size=1,
    max_size=12,
)
# Reproducible, so that a red run is red again.
SETTINGS = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def ratio(part, whole):
    return Fraction(part, whole) if whole else Fraction(0)


def judge(objective, options, labels, predicted):
    """Returns the bounded rate, if any, and the score of one set of predictions."""
    pairs = list(zip(labels, predicted, strict=True))
    tp, fp = pairs.count((1, True)), pairs.count((0, True))
    fn, tn = pairs.count((1, False)), pairs.count((0, False))
    precision, recall = ratio(tp, tp + fp), ratio(tp, tp + fn)
    square = Fraction(options.get("beta", 1.0)) ** 2
    youden = recall - ratio(fp, fp + tn)
    cost = fp * Fraction(options.get("cost_false_positive", 1))
    cost += fn * Fraction(options.get("cost_false_negative", 1))
    weighted = (1 + square) * tp + fp + square * fn
    limit, score = {
        "youden": (None, youden),
        "balanced_accuracy": (None, (1 + youden) / 2),
        "cost": (None, cost / len(labels)),
        "recall_at_precision": (precision, recall),
        "precision_at_recall": (recall, precision),
    }.get(objective, (None, (1 + square) * tp / weighted if weighted else Fraction(0)))
    return limit, score


def above(largest):
    """Returns the next number, or the next that is not subnormal above 0."""
    return np.nextafter(largest, 9.0) if largest else np.finfo(float).smallest_normal


def try_every_cut(objective, options, scores, labels):
    """Returns the winner among the distinct scores and a cut above all of them."""
    bound = Fraction(options.get("bound") or 0)
    ranked = []
    for cut in [*set(scores), above(max(scores))]:
        predicted = [bool(score >= cut) for score in scores]
        limit, score = judge(objective, options, labels, predicted)
        short = max(bound - limit, Fraction(0)) if limit is not None else Fraction(0)
        gain = -score if objective == "cost" else score
        ranked.append((-short, gain, cut, score))
    missed, _, cut, score = max(ranked)
    needed = {"cost": set(), "youden": {0, 1}, "balanced_accuracy": {0, 1}}
    present = needed.get(objective, {1}) <= set(labels)
    return cut, score, missed == 0 and present


@EACH
@SETTINGS
@given(EXAMPLES)
@example([(0.0, 0)])
@example([(-0.5, 0), (-0.5, 1), (-0.25, 0)])
def test_agrees_with_trying_every_cut(objective, options, pairs):
    scores, labels = map(list, zip(*pairs, strict=True))
    found = search_threshold(scores, labels, objective=objective, **options)
    cut, score, attained = try_every_cut(objective, options, scores, labels)
    assert found.value == cut
    # One division and at most four other roundings.
    assert found.score == pytest.approx(float(score), rel=6e-16, abs=2.3e-16)
    assert found.attained is attained


@EACH
@SETTINGS
@given(EXAMPLES, st.sampled_from(["float16", "float32", "float64"]), st.booleans())
def test_exact_is_never_worse_than_the_grid(objective, options, pairs, dtype, near):
    scores, labels = map(np.array, zip(*pairs, strict=True))
    # Scores on the grid's own points, or between them.
    scores = (0.5 + scores * (0.96 if near else 1.0)).astype(dtype)
    exact = search_threshold(scores, labels, objective=objective, **options)
    grid = search_threshold(
        scores, labels, objective=objective, method="grid", **options
    )
    assert exact.attained >= grid.attained
    if grid.attained or "bound" not in options:
        sign = -1 if objective == "cost" else 1
        assert sign * exact.score >= sign * grid.score
    assert grid.value in (np.arange(1, 100) / 100).astype(dtype)


def test_returned_score_is_what_the_rule_gives():
    found = search_threshold([0.2, 0.7, 0.7, 0.7, 0.9], [0, 1, 0, 1, 0])
    # Equal scores go together: a threshold cannot keep two of the three.
    assert found == (0.7, 2 * 2 / (4 + 2), True)


def test_higher_threshold_wins_a_tie():
    # Both 3.0 (1 of 1 right, 1 missed) and 1.0 (2 of 4 right) reach F1 = 2/3.
    found = search_threshold([3.0, 2.0, 1.5, 1.0], [1, 0, 0, 1])
    assert found == (3.0, pytest.approx(2 / 3, rel=1e-15), True)


def test_rounding_breaks_no_tie_of_youden():
    # 1/10 - 0/10 and 8/10 - 7/10 tie; as two quotients, the second is larger.
    scores = np.repeat([3.0, 2.0, 1.0], [1, 14, 5])
    labels = np.repeat([1, 1, 0, 1, 0], [1, 7, 7, 2, 3])
    found = search_threshold(scores, labels, objective="youden")
    assert found == (3.0, 0.1, True)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("largest", [-3.0, -0.0, 0.0, 0.7, 1.0, 20.0])
def test_without_positives_nothing_is_predicted(dtype, largest):
    scores = np.array([largest, largest - 1, largest], dtype)
    found = search_threshold(scores, [0, 0, 0])
    assert (found.score, found.attained) == (0.0, False)
    value = np.array(found.value, dtype)
    assert float(value) == found.value
    assert not (scores >= value).any()
    assert not (scores.astype(float) >= found.value).any()
    # Hardware that flushes subnormal numbers would read one as 0.
    assert abs(value) >= np.finfo(dtype).smallest_normal


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_no_subnormal_number_above_negative_scores(dtype):
    tiny = np.finfo(dtype).smallest_normal
    for largest in (-tiny, -np.finfo(dtype).smallest_subnormal):
        assert search_threshold(np.array([largest]), [0]).value == float(tiny)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_threshold_is_finite_where_the_dtype_ends(dtype):
    largest = np.finfo(dtype).max
    found = search_threshold(np.array([-largest, largest]), [0, 0])
    assert found == (float(largest), 0.0, False)
    found = search_threshold(np.array([-largest, largest]), [0, 1])
    assert found == (float(largest), 1.0, True)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_threshold_compares_alike_in_its_dtype_and_in_float64(dtype):
    rng = np.random.default_rng(5)
    labels = rng.random(200) < 0.2
    scores = (rng.normal(size=200) + labels).astype(dtype)
    for probs, method in ((scores, "exact"), (1 / (1 + np.exp(-scores)), "grid")):
        value = search_threshold(probs, labels, method=method).value
        assert probs.dtype == dtype
        assert dtype == np.array(value, dtype).dtype
        assert float(np.array(value, dtype)) == value
        np.testing.assert_array_equal(
            probs >= np.array(value, dtype), probs.astype(float) >= value
        )


def test_grid_has_its_ends_and_i_over_100():
    for i in (1, 29, 57, 58, 99):
        # On the point itself the positive is kept; the negative is just below it.
        scores = [i / 100, np.nextafter(i / 100, 0)]
        assert search_threshold(scores, [1, 0], method="grid") == (i / 100, 1.0, True)
    ends = search_threshold([0.001, 0.002], [1, 1], method="grid")
    assert ends == (0.99, 0.0, True)


def test_bound_that_is_out_of_reach_gives_the_nearest():
    # Precision from the top: 0, 1/2, 1/3, 2/4: the best is 1/2, with recall 1 last.
    scores, labels = [4.0, 3.0, 2.0, 1.0], [0, 1, 0, 1]
    options: dict[str, Any] = {"objective": "recall_at_precision"}
    assert search_threshold(scores, labels, bound=0.9, **options) == (1.0, 1.0, False)
    assert search_threshold(scores, labels, bound=0.5, **options) == (1.0, 1.0, True)
    found = search_threshold(scores[:3], labels[:3], bound=0.9, **options)
    assert found == (3.0, 1.0, False)


def test_cost_is_per_example_and_small_where_good():
    found = search_threshold(
        [0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1], objective="cost", cost_false_positive=3
    )
    assert found == (0.8, 1 / 4, True)


@EACH
def test_integer_weights_repeat_examples(objective, options):
    rng = np.random.default_rng(11)
    labels = rng.integers(0, 2, 60)
    scores = np.round(rng.normal(size=60) + labels, 1)
    weight = rng.integers(0, 4, 60)
    found = search_threshold(
        scores, labels, objective=objective, sample_weight=weight, **options
    )
    repeated = search_threshold(
        np.repeat(scores, weight),
        np.repeat(labels, weight),
        objective=objective,
        **options,
    )
    assert found == repeated


@pytest.mark.parametrize("seed", range(8))
def test_full_recall_is_attained_under_any_weights(seed):
    # Sums in different orders differ: the rate must still reach 1.
    rng = np.random.default_rng(seed)
    weight, labels = rng.random(1000), rng.random(1000) < 0.5
    scores = rng.normal(size=1000)
    found = search_threshold(
        scores, labels, objective="precision_at_recall", bound=1.0, sample_weight=weight
    )
    assert found.attained
    assert found.value == scores[labels].min()


@EACH
@pytest.mark.parametrize("unit", [5e-324, 2.0**-700, 2.0**-30, 2.0**1000])
def test_unit_of_the_weights_does_not_matter(objective, options, unit):
    rng = np.random.default_rng(12)
    labels = rng.integers(0, 2, 40)
    scores = np.round(rng.normal(size=40) + labels, 1)
    weight = rng.integers(0, 100, 40)
    found, scaled = (
        search_threshold(
            scores, labels, objective=objective, sample_weight=w, **options
        )
        for w in (weight, weight * unit)
    )
    assert found == scaled


BAD: list[Any] = [
    ([], [], {}, ValueError, r"scores must not be empty, got shape \(0,\)"),
    ([1.0], [1, 0], {}, ValueError, r"same shape \(N,\), got \(1,\) and \(2,\)"),
    ([[1.0]], [[1]], {}, ValueError, r"search_class_thresholds takes \(N, C\)"),
    ([0.0, np.nan], [1, 0], {}, ValueError, r"scores must be finite, got nan at .*1"),
    ([np.inf], [1], {}, ValueError, "scores must be finite, got inf"),
    ([1.0], [2], {}, ValueError, "labels must be 0 or 1, got 2"),
    ([1.0], [0.5], {}, ValueError, "labels must be 0 or 1, got 0.5"),
    ([1.0], [np.nan], {}, ValueError, "labels must be 0 or 1, got nan"),
    ([1j], [1], {}, TypeError, "scores must be float16, .* got complex128"),
    ([1.0], [1], {"objective": "F1"}, ValueError, "objective must be one of 'f1'"),
    ([1.0], [1], {"method": "fast"}, ValueError, "method must be one of 'exact'"),
    ([1.5], [1], {"method": "grid"}, ValueError, "'exact' takes logits.*got 1.5"),
    ([-0.5], [1], {"method": "grid"}, ValueError, "probabilities in"),
    ([1.0], [1], {"beta": 2.0}, ValueError, "beta must be 1.0 unless objective is"),
    ([1.0], [1], {"bound": 0.5}, ValueError, "bound must be None unless objective"),
    ([1.0], [1], {"cost_false_negative": 2}, ValueError, "unless objective is 'cost'"),
    ([1.0], [1], {"objective": "fbeta", "beta": -1}, ValueError, "beta must be in"),
    ([1.0], [1], {"objective": "fbeta", "beta": 1e101}, ValueError, "beta must be in"),
    ([1.0], [1], {"objective": "cost", "cost_false_positive": -1}, ValueError, "cost"),
    ([1.0], [1], {"objective": "fbeta", "beta": "2"}, TypeError, "beta must be a num"),
    (
        [1.0],
        [1],
        {"objective": "recall_at_precision"},
        ValueError,
        r"bound must be in \[0, 1\] with 'recall_at_precision', got None",
    ),
    (
        [1.0],
        [1],
        {"objective": "precision_at_recall", "bound": 1.5},
        ValueError,
        r"bound must be in \[0, 1\], got 1.5",
    ),
    ([1.0], [1], {"sample_weight": [1, 2]}, ValueError, "sample_weight must have sh"),
    ([1.0], [1], {"sample_weight": [-1]}, ValueError, "sample_weight must be finite"),
]


@pytest.mark.parametrize(("scores", "labels", "options", "kind", "message"), BAD)
def test_bad_arguments_raise_by_name(scores, labels, options, kind, message):
    with pytest.raises(kind, match=message):
        search_threshold(scores, labels, **options)
