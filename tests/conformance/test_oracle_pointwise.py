import math

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

PROBS, HEAT = "binary_cross_entropy", "heatmap_focal_loss"
FOCAL = "sigmoid_focal_loss"
INF, NAN = math.inf, math.nan


@pytest.mark.parametrize("y", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("p", [1e-10, 0.25, 0.5, 0.99])
def test_gradients_of_probabilities(p, y):
    arguments = {"probs": p, "labels": y, "sample_weight": 2.5}
    checked = assert_gradients(PROBS, arguments)
    assert checked == {"grad_probs", "grad_labels", "grad_sample_weight"}


def test_probabilities_of_logits_have_their_loss():
    with mp.workdps(60):
        for x in (-50.0, -2.0, 0.0, 7.0):
            p = 1 / (1 + mp.exp(-mpf(x)))
            for y in (0.0, 0.25, 1.0):
                expected = output(
                    "binary_cross_entropy_with_logits", logits=x, labels=y
                )
                # 1 - p has lost the digits that p next to 1 has not.
                found = output(PROBS, probs=p, labels=y)
                assert mp.almosteq(found, expected, mpf(10) ** -30)


def test_logarithms_are_clamped_and_their_gradients_with_them():
    for p, y in ((0.0, 1.0), (1.0, 0.0), (1e-44, 1.0), (1e-300, 1.0)):
        assert output(PROBS, probs=p, labels=y) == 100
        assert output(PROBS, "grad_probs", probs=p, labels=y) == 0
    assert output(PROBS, probs=1e-43, labels=1.0) < 100
    assert output(PROBS, "grad_probs", probs=1e-43, labels=1.0) < -9e42
    for p, y, slope in ((0.0, 0.0, 1), (1.0, 1.0, -1)):
        exact = number(PROBS, probs=p, labels=y)
        assert (exact.value, exact.scale) == (0, 0)
        assert output(PROBS, "grad_probs", probs=p, labels=y) == slope
    assert output(PROBS, "grad_labels", probs=0.0, labels=0.5) == 100


def test_small_probabilities_keep_their_digits():
    found = output(PROBS, probs=1e-300, labels=0.0)
    assert float(found) == 1e-300


@pytest.mark.parametrize("h", [0.0, 0.25, 0.875, 1.0])
@pytest.mark.parametrize("x", [-17.0, -0.5, 2.0, 40.0])
@pytest.mark.parametrize(("alpha", "beta"), [(2.0, 4.0), (0.5, 1.5)])
def test_gradients_of_heat_maps(x, h, alpha, beta):
    # A mask, so that moving a height does not make or lose a peak.
    for mask in {h == 1, False}:
        arguments = {"logits": x, "heatmap": h, "alpha": alpha, "beta": beta}
        arguments |= {"pos_mask": float(mask)}
        if h == 1 and not mask:
            # One-sided: the loss and all that is moved are 0.
            assert output(HEAT, "grad_heatmap", **arguments) == 0
            assert output(HEAT, "grad_beta", **arguments) == 0
            continue
        checked = assert_gradients(HEAT, arguments)
        assert checked == {f"grad_{a}" for a in ("logits", "heatmap", "alpha", "beta")}


def test_known_missed_peak():
    point = {"logits": -12.0, "heatmap": 1.0}
    assert printed(output(HEAT, **point), "11.99986") == mpf("11.99986")
    slope = output(HEAT, "grad_logits", **point)
    assert printed(slope, "-1.0001") == mpf("-1.0001")


def test_heat_maps_are_discounted_focal_losses():
    with mp.workdps(60):
        for x in (-17.0, 0.5, 30.0):
            peak = output(FOCAL, logits=x, labels=1, gamma=1.5)
            assert output(HEAT, logits=x, heatmap=1.0, alpha=1.5) == peak
            other = output(FOCAL, logits=x, labels=0, gamma=1.5)
            found = output(HEAT, logits=x, heatmap=0.75, alpha=1.5, beta=2.0)
            assert mp.almosteq(found, other / 16)


def test_the_mask_alone_makes_a_peak():
    on = output(HEAT, logits=-2.0, heatmap=0.5, pos_mask=1.0)
    assert on == output(HEAT, logits=-2.0, heatmap=1.0)
    off = number(HEAT, logits=-2.0, heatmap=1.0, pos_mask=0.0)
    assert (off.value, off.scale) == (0, 0)


def test_infinite_logits_of_heat_maps():
    for x, h, value, slope in (
        (INF, 1.0, 0, 0),
        (-INF, 1.0, INF, -1),
        (INF, 0.5, INF, 1 / 16),
        (-INF, 0.5, 0, 0),
    ):
        assert output(HEAT, logits=x, heatmap=h) == value
        assert output(HEAT, "grad_logits", logits=x, heatmap=h) == slope
    assert output(HEAT, "grad_heatmap", logits=INF, heatmap=0.5) == -INF
    assert mp.isnan(output(HEAT, logits=NAN, heatmap=0.5))


def test_the_mean_is_over_the_peaks_or_over_one():
    points = [
        {"logits": 1.0, "heatmap": 1.0},
        {"logits": -2.0, "heatmap": 0.5},
        {"logits": 0.5, "heatmap": 0.0},
    ]
    with mp.workdps(40):
        total = sum(output(HEAT, **p) for p in points)
        _, found = oracle.expect_sum(HEAT, points * 2, 6, [])
        assert stored(found, "normalizer").hi == 2.0
        assert stored(found, "mean").hi == float(total)
        _, found = oracle.expect_sum(HEAT, points[1:], 2, [])
        assert stored(found, "normalizer").hi == 0.0
        assert stored(found, "mean").hi == stored(found, "sum").hi > 0
