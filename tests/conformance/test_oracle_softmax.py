import math
from typing import Any

import pytest
from mpmath import mp, mpf

from conformance import oracle
from tests.conformance.truths import (
    assert_gradients,
    number,
    numbers,
    output,
    printed,
    stored,
)

CE = "cross_entropy"
FOCAL = "softmax_focal_loss"
INF, NAN = math.inf, math.nan

ROWS = [[2, 0, -1], [0.5, 1, -0.5], [0, 0, 3], [1, 1, 1]]
LABELS = [0, 2, 2, 0]
WEIGHTS = [1, 2, 5]
WEIGHTED = [
    "0.83148702281566659",
    "9.8963558854384048",
    "0.75246609227324692",
    "1.2817143367794613",
]


@pytest.fixture
def tenth():
    """The decimal, not its nearest double."""
    with mp.workdps(60):
        return mpf(1) / 10


def points(**arguments):
    return [
        {"logits": row, "labels": label, **arguments}
        for row, label in zip(ROWS, LABELS, strict=True)
    ]


def test_known_weighted_smoothed_losses(tenth):
    for point, known in zip(points(), WEIGHTED, strict=True):
        weighed = {"class_weights": WEIGHTS, "label_smoothing": tenth}
        assert printed(output(CE, **point, **weighed), known) == mpf(known)


@pytest.mark.parametrize(
    ("normalizer", "known"),
    [("weights", "1.063501944775565"), ("count", "3.1905058343266949")],
)
def test_known_means(tenth, normalizer, known):
    weighed = points(
        class_weights=WEIGHTS, label_smoothing=tenth, normalizer=normalizer
    )
    _, found = oracle.expect_sum(CE, weighed, 4, [])
    assert stored(found, "mean").hi == float(known)


def test_known_smoothing_modes(tenth):
    smoothed = {"logits": [2, 0, -1], "labels": 0, "label_smoothing": tenth}
    for mode, known in (
        ("uniform", "0.33651268622295232"),
        ("off_target", "0.41984601955628565"),
    ):
        assert printed(output(CE, **smoothed, smoothing=mode), known) == mpf(known)


def test_known_mean_over_two_shards():
    rows, labels = [[2, 0], [1, 0], [0, 1], [0.5, 0]], [0, 0, 0, 1]
    every = [
        {"logits": x, "labels": y, "class_weights": [1, 9]}
        for x, y in zip(rows, labels, strict=True)
    ]
    means = []
    for part in (every, every[:2], every[2:]):
        _, found = oracle.expect_sum(CE, part, len(part), [])
        means.append(stored(found, "mean").hi)
    assert means[0] == pytest.approx(0.876678687, abs=1e-9)
    assert (means[1] + means[2]) / 2 == pytest.approx(0.614045152, abs=1e-9)


FULL = {
    "class_weights": [0.5, 2.0, 5.0],
    "sample_weight": 2.5,
    "label_smoothing": 0.125,
}
SETTINGS = [
    (CE, {**FULL, "labels": 1}),
    (CE, {**FULL, "labels": 2, "smoothing": "off_target"}),
    (CE, {**FULL, "labels": [0.5, 0.375, 0.125]}),
    (CE, {**FULL, "labels": [0.0, 0.25, 0.75], "smoothing": "off_target"}),
    (FOCAL, {"labels": 0, "gamma": 2.0, "class_weights": [3.0, 1.0, 0.5]}),
    (FOCAL, {"labels": 2, "gamma": 0.5, "class_weights": [3.0, 1.0, 0.5]}),
]


@pytest.mark.parametrize(("operation", "setting"), SETTINGS)
def test_gradients_are_derivatives_of_the_value(operation, setting):
    for row in ([2.0, -1.0, 0.5], [-40.0, 3.0, 2.5], [1.0, 20.0, 1.0]):
        known = {**oracle.defaults(operation), **setting}
        checked = assert_gradients(operation, {**known, "logits": row})
        if operation == FOCAL:
            assert checked == {"grad_logits", "grad_class_weights", "grad_gamma"}
        else:
            soft = {"grad_labels"} & checked
            assert bool(soft) == isinstance(setting["labels"], list)
            assert len(checked - soft) == 4


def test_scales_are_at_least_the_size():
    for operation, setting in SETTINGS:
        for name in oracle.truth(operation, {"logits": [2.0, -1, 0.5], **setting}):
            found = oracle.truth(operation, {"logits": [2.0, -1, 0.5], **setting})[name]
            for one in [found] if isinstance(found, oracle.Number) else found:
                assert abs(one.value) <= one.size * (1 + mpf(2) ** -50)
                assert one.scale == 0 or one.scale >= one.size, name


def test_scale_of_the_confident_tail_is_relative():
    # Everything small comes from exponentials of the gaps: 1 + 60, and few roundings.
    row = {"logits": [60.0, 0.0, -1.0], "labels": 0}
    value, slope = number(CE, **row), numbers(CE, "grad_logits", **row)
    assert 61 < value.scale / value.size < 67
    assert all(61 < s.scale / s.size < 68 for s in slope)
    # The error of the margin enters the focal loss three times, its size twice more.
    focal = number(FOCAL, **row)
    assert 5 * 60 < focal.scale / focal.size < 5 * 60 + 12
    # Confidently wrong, nothing is amplified.
    wrong = number(CE, logits=[-60.0, 0.0, -1.0], labels=0)
    assert wrong.scale / wrong.size < 5


def test_two_classes_are_the_binary_loss_of_their_difference():
    for x in (-17.0, -0.5, 0.0, 3.0, 60.0):
        row = {"logits": [x + 2, 2.0], "labels": 0}
        binary = {"logits": x, "labels": 1}
        for rows, single, more in (
            (CE, "binary_cross_entropy_with_logits", {}),
            (FOCAL, "sigmoid_focal_loss", {"gamma": 0.5}),
        ):
            with mp.workdps(60):
                expected = output(single, **binary, **more)
                assert mp.almosteq(output(rows, **row, **more), expected)
                expected = output(single, "grad_logits", **binary, **more)
                on, off = numbers(rows, "grad_logits", **row, **more)
                assert mp.almosteq(on.value, expected)
                assert mp.almosteq(off.value, -expected)


def test_focal_without_focus_is_cross_entropy():
    for row, label in zip(ROWS, LABELS, strict=True):
        shared = {"logits": row, "labels": label, "class_weights": WEIGHTS}
        with mp.workdps(60):
            assert mp.almosteq(output(FOCAL, **shared, gamma=0.0), output(CE, **shared))


def test_one_hot_labels_are_indices():
    for smoothing in ("uniform", "off_target"):
        shared = {**FULL, "logits": [2.0, 0.0, -1.0], "smoothing": smoothing}
        index = oracle.truth(CE, {**shared, "labels": 2})
        soft = oracle.truth(CE, {**shared, "labels": [0.0, 0.0, 1.0]})
        for name, expected in index.items():
            ours = soft[name]
            if isinstance(expected, list):
                assert isinstance(ours, list)
                assert [o.value for o in ours] == [e.value for e in expected]
            else:
                assert isinstance(ours, oracle.Number)
                assert ours.value == expected.value, name


def limits(operation, row, label, **more: Any):
    slope = numbers(operation, "grad_logits", logits=row, labels=label, **more)
    value = output(operation, logits=row, labels=label, **more)
    return [float(v) for v in (value, *(s.value for s in slope))]


@pytest.mark.parametrize("operation", [CE, FOCAL])
def test_infinite_logits_give_limits(operation):
    assert limits(operation, [INF, 0, 1], 0) == [0, 0, 0, 0]
    assert limits(operation, [INF, 0, 1], 1) == [INF, 1, -1, 0]
    assert limits(operation, [2, -INF, -INF], 0) == [0, 0, 0, 0]
    assert limits(operation, [2, -INF, -INF], 1) == [INF, 1, -1, 0]
    halves = limits(operation, [-INF, 0, 0], 0)
    assert halves == [INF, -1, 0.5, 0.5]
    weighed = limits(operation, [-INF, 0, 0], 0, class_weights=[0.0, 1.0, 1.0])
    assert weighed == [0, 0, 0, 0]


@pytest.mark.parametrize("operation", [CE, FOCAL])
@pytest.mark.parametrize("row", [[INF, INF, 0], [-INF] * 3, [0, NAN, 1], [INF, NAN, 0]])
def test_no_limit_is_nan(operation, row):
    for label in (0, 1, 2):
        assert all(math.isnan(v) for v in limits(operation, row, label))


def test_smoothing_at_an_infinite_logit_has_a_finite_gradient():
    found = limits(CE, [INF, 0, 1], 0, label_smoothing=0.75)
    assert found == [INF, 0.5, -0.25, -0.25]


@pytest.mark.parametrize("operation", [CE, FOCAL])
def test_ignored_rows_are_exactly_nothing(operation):
    row = {"logits": [NAN, INF, INF], "labels": 1, "ignore_index": 1}
    assert output(operation, "normalizer", **row) == 0
    assert limits(operation, row["logits"], 1, ignore_index=1) == [0, 0, 0, 0]
    kept = {"logits": [1.0, 2.0, 3.0], "labels": 0, "ignore_index": 1}
    _, found = oracle.expect_sum(operation, [kept, {**kept, **row}], 2, [])
    assert stored(found, "sum").hi == float(output(operation, **kept))
    assert stored(found, "mean").hi == stored(found, "sum").hi
    _, found = oracle.expect_sum(operation, [row], 5, ["grad_class_weights"])
    assert stored(found, "mean") == oracle.Expected(0.0, 0.0, 0.0)
    weights = found["grad_class_weights"]
    assert isinstance(weights, list)
    assert [w.hi for w in weights] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("operation", [CE, FOCAL])
def test_one_class_costs_nothing(operation):
    assert limits(operation, [3.0], 0) == [0, 0]
    assert number(operation, logits=[3.0], labels=0).scale == 0


def test_sums_of_rows_count_repetitions():
    weighed = points(class_weights=WEIGHTS)
    _, found = oracle.expect_sum(CE, weighed, 6, ["grad_class_weights"])
    with mp.workdps(40):
        values = [output(CE, **p) for p in weighed]
        total = 2 * (values[0] + values[1]) + values[2] + values[3]
        assert stored(found, "sum").hi == float(total)
        # Weights of labels 0, 2, 2, 0, 0, 2.
        assert stored(found, "normalizer").hi == 3 * 1 + 3 * 5
        assert stored(found, "mean").hi == float(total / 18)
        gradient = found["grad_class_weights"]
        assert isinstance(gradient, list)
        # The loss is linear in the weights.
        weighted = sum(w * mpf(g.hi) for w, g in zip(WEIGHTS, gradient, strict=True))
        assert float(weighted) == pytest.approx(float(total), rel=1e-15)
    assert gradient[1].hi == 0.0
