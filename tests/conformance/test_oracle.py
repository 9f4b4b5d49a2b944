import math
from typing import Any

import pytest
from mpmath import mp, mpf

from conformance import oracle
from tests.conformance.truths import (
    assert_gradients,
    number,
    output,
    printed,
    stored,
)

BCE = "binary_cross_entropy_with_logits"
FOCAL = "sigmoid_focal_loss"
ADAPTIVE = "adaptive_bce_with_logits"
INF = math.inf


KNOWN = [
    (BCE, "value", {"logits": 12, "labels": 1}, "6.1441934777328054e-6"),
    (BCE, "grad_logits", {"logits": 12, "labels": 1}, "-6.1441746022147178e-6"),
    (BCE, "value", {"logits": 17, "labels": 1}, "4.1399376330897474e-8"),
    (BCE, "grad_logits", {"logits": 17, "labels": 1}, "-4.1399375473943306e-8"),
    (BCE, "value", {"logits": -17, "labels": 0}, "4.1399376330897474e-8"),
    (BCE, "grad_logits", {"logits": -17, "labels": 0}, "4.1399375473943306e-8"),
    (BCE, "value", {"logits": 25, "labels": 0}, "25.000000000013888"),
    (FOCAL, "value", {"logits": 20, "labels": 1}, "8.7565107175752358e-27"),
    (FOCAL, "value", {"logits": 0, "labels": 1}, "0.17328679513998633"),
    (FOCAL, "value", {"logits": -20, "labels": 1}, "19.999999919615009"),
    (FOCAL, "grad_logits", {"logits": 20, "labels": 1}, "-2.6269532107604423e-26"),
    (FOCAL, "grad_logits", {"logits": 0, "labels": 1}, "-0.29828679513998633"),
    (FOCAL, "grad_logits", {"logits": -20, "labels": 1}, "-1.0000000762626836"),
    (
        FOCAL,
        "value",
        {"logits": 40, "labels": 1, "gamma": 0.5},
        "8.7565107626965203e-27",
    ),
    (
        FOCAL,
        "grad_logits",
        {"logits": 40, "labels": 1, "gamma": 0.5},
        "-1.313476614404478e-26",
    ),
]


@pytest.mark.parametrize(("operation", "name", "arguments", "known"), KNOWN)
def test_known_values_to_every_printed_digit(operation, name, arguments, known):
    assert printed(output(operation, name, **arguments), known) == mpf(known)


def test_known_values_at_decimal_labels():
    # 0.3 is meant as a decimal here, not as its nearest double.
    label = mpf(3) / 10
    found = output(BCE, logits=-2, labels=label, pos_weight=3)
    assert mp.nstr(found, 16) == "2.003084817668756"
    found = output(FOCAL, logits=1, labels=label)
    assert mp.nstr(found, 17) == "0.35561991721756747"


SETTINGS = [
    (BCE, {"pos_weight": 3.0, "label_smoothing": 0.125, "sample_weight": 2.5}),
    (FOCAL, {"pos_weight": 3.0, "gamma": 2.0, "alpha": 0.25, "sample_weight": 2.5}),
    (FOCAL, {"pos_weight": 0.75, "gamma": 0.5, "alpha": 0.25}),
    (FOCAL, {"gamma": 1.5}),
    (FOCAL, {"gamma": 1.0, "alpha": 0.75}),
    (ADAPTIVE, {"pos_weight": 5.0, "gamma": 0.5}),
    (ADAPTIVE, {"pos_weight": 5.0, "gamma": 2.0, "modulator": "weighted_loss"}),
    (ADAPTIVE, {"pos_weight": 0.5, "gamma": 0.5, "modulator": "weighted_loss"}),
]
POINTS = [(x, y) for x in (-40.0, -2.5, 0.0, 0.5, 17.0) for y in (0.0, 0.25, 1.0)]


@pytest.mark.parametrize(("operation", "setting"), SETTINGS)
def test_gradients_are_derivatives_of_the_value(operation, setting):
    for x, y in POINTS:
        arguments = {**oracle.defaults(operation), **setting}
        checked = assert_gradients(operation, {**arguments, "logits": x, "labels": y})
        assert {"grad_logits", "grad_labels", "grad_pos_weight"} <= checked


def test_size_is_at_least_the_value():
    for operation, setting in SETTINGS:
        for x, y in POINTS:
            point = {"logits": x, "labels": y, **setting}
            for name in oracle.truth(operation, point):
                total = number(operation, name, **point)
                assert abs(total.value) <= total.size * (1 + mpf(2) ** -50)
                assert total.size <= total.scale * (1 + mpf(2) ** -50)


def test_amplification_is_that_of_the_error_model():
    def k(operation, **arguments):
        # The gradient, which is finite at infinity as well.
        slope = number(operation, "grad_logits", **arguments)
        return float(slope.scale / slope.size)

    assert k(BCE, logits=-3.0, labels=1) == pytest.approx(4)
    # Hard labels: gamma zeta(margin); soft ones: -gamma log(1-p_t).
    assert k(FOCAL, logits=3.0, labels=1) == pytest.approx(
        4 + 2 * math.log1p(math.e**3)
    )
    assert k(FOCAL, logits=3.0, labels=0) == pytest.approx(
        4 + 2 * math.log1p(math.e**-3)
    )
    assert k(FOCAL, logits=3.0, labels=0.5) == pytest.approx(4 + 2 * math.log(2))
    assert k(FOCAL, logits=700.0, labels=1) == pytest.approx(1 + 3 * 700)
    # An infinite logit is exact, so only the modulator amplifies.
    assert k(FOCAL, logits=INF, labels=0.5) == pytest.approx(1 + 2 * math.log(2))
    own = {"pos_weight": 1.0, "modulator": "weighted_loss"}
    assert k(ADAPTIVE, logits=-90.0, labels=1, **own) == pytest.approx(93)
    assert k(ADAPTIVE, logits=90.0, labels=1, **own) == pytest.approx(3 * 91)


LIMITS = [
    (BCE, INF, 1, {}, 0, 0),
    (BCE, INF, 0, {}, INF, 1),
    (BCE, -INF, 1, {"pos_weight": 3.0}, INF, -3),
    (BCE, -INF, 0, {}, 0, 0),
    (BCE, INF, 0.25, {}, INF, 0.75),
    (BCE, -INF, 0.25, {"pos_weight": 2.0}, INF, -0.5),
    (BCE, INF, 1, {"label_smoothing": 0.5}, INF, 0.25),
    (BCE, INF, 1, {"pos_weight": 0.0}, 0, 0),
    (BCE, -INF, 1, {"pos_weight": 0.0}, 0, 0),
    (BCE, INF, 0, {"sample_weight": 0.0}, 0, 0),
    (FOCAL, INF, 1, {"gamma": 0.5}, 0, 0),
    (FOCAL, -INF, 1, {"gamma": 0.5}, INF, -1),
    (FOCAL, INF, 0, {"gamma": 2.0, "alpha": 0.25}, INF, 0.75),
    (FOCAL, INF, 0, {"gamma": 2.0, "alpha": 1.0}, 0, 0),
    (FOCAL, -INF, 1, {"gamma": 0.0, "alpha": 0.0}, 0, 0),
    (FOCAL, INF, 0.5, {"gamma": 2.0}, INF, 0.125),
    (ADAPTIVE, INF, 1, {"pos_weight": 5.0, "modulator": "weighted_loss"}, 0, 0),
    (ADAPTIVE, -INF, 1, {"pos_weight": 5.0, "modulator": "weighted_loss"}, INF, -5),
]


@pytest.mark.parametrize(("operation", "x", "y", "more", "value", "slope"), LIMITS)
def test_infinite_logits_give_limits(operation, x, y, more, value, slope):
    arguments: dict[str, Any] = {"logits": x, "labels": y, **more}
    assert output(operation, **arguments) == value
    assert output(operation, "grad_logits", **arguments) == slope


def test_label_gradients_at_infinity_take_the_sign_of_the_limit():
    # (2a-1) grows against a (1+gamma): 0.25 x 3 beats 0.5.
    arguments: dict[str, Any] = {"logits": -INF, "labels": 1, "alpha": 0.25}
    assert output(FOCAL, "grad_labels", **arguments) == INF
    assert output(FOCAL, "grad_labels", **{**arguments, "alpha": 0.0}) == -INF
    # The focusing factor decays faster than the logit grows.
    assert output(FOCAL, "grad_labels", logits=INF, labels=1, gamma=0.5) == 0
    assert output(FOCAL, "grad_labels", logits=INF, labels=1, gamma=0.0) == -INF


def test_nan_logit_gives_nan_everywhere():
    for operation in (BCE, FOCAL, ADAPTIVE):
        for name in oracle.truth(operation, {"logits": 0.0, "labels": 1}):
            nan = output(operation, name, logits=math.nan, labels=1)
            assert mp.isnan(nan)


def test_encoding_keeps_a_hundred_bits():
    with mp.workdps(60):
        third = mpf(1) / 3
        found = oracle.encode(third, third)
        rest = abs(third - mpf(found.hi) - mpf(found.lo))
    assert found.hi == 1 / 3
    assert rest < mpf(2) ** -106
    assert third <= found.scale < third * (1 + mpf(10) ** -5)


def test_encoding_rounds_subnormals_once():
    # Above half of the smallest subnormal only by a bit far beyond 53.
    with mp.workdps(60):
        above = mpf(2) ** -1075 * (1 + mpf(2) ** -80)
        assert oracle.encode(above, above).hi == 5e-324
        assert oracle.encode(mpf(2) ** -1075, above).hi == 0.0
        assert oracle.encode(-above, above).hi == -5e-324


def test_scale_is_zero_only_for_exact_results():
    with mp.workdps(60):
        assert oracle.encode(mp.exp(-1000000), mp.exp(-1000000)).scale == 5e-324
        assert oracle.encode(mpf(0), mpf(0)).scale == 0.0


def test_sums_count_repetitions():
    points: list[dict[str, Any]] = [
        {"logits": 1.0, "labels": 0.0},
        {"logits": -2.0, "labels": 1.0},
    ]
    _, found = oracle.expect_sum(BCE, points, 5, [])
    with mp.workdps(40):
        total = 3 * output(BCE, **points[0]) + 2 * output(BCE, **points[1])
        assert stored(found, "sum").hi == float(total)
        assert stored(found, "mean").hi == float(total / 5)
    assert stored(found, "normalizer").hi == 5.0
    assert stored(found, "mean").scale == pytest.approx(
        stored(found, "sum").scale / 5, rel=1e-5
    )


def test_empty_sum_is_zero():
    _, found = oracle.expect_sum(
        FOCAL, [{"logits": 1.0, "labels": 0.0}], 0, ["grad_gamma"]
    )
    assert {name: stored(found, name).hi for name in found} == {
        "sum": 0.0,
        "mean": 0.0,
        "normalizer": 0.0,
        "grad_gamma": 0.0,
    }
