import math
from typing import Any

import pytest
from mpmath import mp, mpf

from conformance import oracle
from conformance.oracle import ghm
from tests.conformance.truths import assert_slope, output, stored

GHMC, GHMR = "ghmc_loss", "ghmr_loss"
BCE = "binary_cross_entropy_with_logits"
INF, NAN = math.inf, math.nan

LOGITS = [-4.0, -3.0, -2.5, 0.5, 1.0, 6.0, -0.75]
LABELS = [0.0, 0.0, 1.0, 0.25, 0.0, 1.0, 1.0]
POINTS = [{"logits": x, "labels": y} for x, y in zip(LOGITS, LABELS, strict=True)]


def named(outputs: oracle.Outputs, name: str) -> Any:
    found = outputs[name]
    if isinstance(found, list):
        return [one.value for one in found]
    return found.value


def values(whole: oracle.Whole, name: str = "value") -> list[Any]:
    return [named(point, name) for point in whole.points]


def batch(points=POINTS, repeats=None, operation=GHMC, **shared: Any) -> oracle.Whole:
    return oracle.evaluate(operation, [{**p, **shared} for p in points], repeats)


def histogram(bins):
    counts = [0] * bins
    for x, y in zip(LOGITS, LABELS, strict=True):
        counts[int(abs(1 / (1 + math.exp(-x)) - y) * bins)] += 1
    return counts


@pytest.mark.parametrize("average_over", ["nonempty", "bins"])
def test_weights_are_inverse_densities(average_over):
    counts = histogram(10)
    share = 10 if average_over == "bins" else sum(c > 0 for c in counts)
    whole = batch(average_over=average_over)
    assert named(whole.totals, "state_counts") == counts
    assert named(whole.totals, "state_updates") == [int(c > 0) for c in counts]
    for point, found in zip(POINTS, values(whole), strict=True):
        x, y = point["logits"], point["labels"]
        count = counts[int(abs(1 / (1 + math.exp(-x)) - y) * 10)]
        plain = float(output(BCE, **point))
        assert float(found) == pytest.approx(plain * 7 / count / share, rel=1e-14)


def test_known_ratios_of_an_average_that_starts_at_zero():
    plain = values(batch())
    state, ratios = {}, []
    for _ in range(4):
        whole = batch(momentum=0.75, debias=False, **state)
        ratios.append(float(values(whole)[0] / plain[0]))
        state = {name: named(whole.totals, name) for name in whole.totals}
    assert ratios == pytest.approx([4, 2.2857, 1.7297, 1.4629], abs=5e-5)
    assert state["state_updates"][0] == 4


def test_debiasing_undoes_the_start():
    plain = values(batch())
    state: dict[str, Any] = {}
    with mp.workdps(60):
        for _ in range(3):
            whole = batch(momentum=0.75, **state)
            pairs = zip(values(whole), plain, strict=True)
            assert all(mp.almosteq(a, b) for a, b in pairs)
            state = {name: named(whole.totals, name) for name in whole.totals}


def test_bins_without_elements_keep_their_state():
    before = {"state_counts": [2.5] * 10, "state_updates": [3] * 10}
    whole = batch(momentum=0.5, **before)
    counts = histogram(10)
    expected = [0.5 * 2.5 + 0.5 * c if c else 2.5 for c in counts]
    assert [float(v) for v in named(whole.totals, "state_counts")] == expected
    scales = whole.totals["state_counts"]
    assert isinstance(scales, list)
    # What is copied must be exact.
    pairs = zip(scales, counts, strict=True)
    assert all((one.scale == 0) == (count == 0) for one, count in pairs)
    updates = named(whole.totals, "state_updates")
    assert updates == [3 + (c > 0) for c in counts]


def test_repetitions_weigh_like_copies():
    repeats = [3, 1, 2, 1, 5, 0, 1]
    copies = [p for p, n in zip(POINTS, repeats, strict=True) for _ in range(n)]
    counted = values(batch(repeats=repeats, momentum=0.5))
    explicit = values(batch(copies, momentum=0.5))
    expected = [v for v, n in zip(counted, repeats, strict=True) for _ in range(n)]
    assert explicit == expected
    elements, found = oracle.expect_sum(GHMC, POINTS, 9, [])
    assert stored(found, "normalizer").hi == 9.0
    with mp.workdps(40):
        total = sum(values(batch([*POINTS, *POINTS[:2]])))
    assert stored(found, "sum").hi == float(total)
    assert stored(found, "mean").hi == float(total / 9)
    assert (
        named(elements[0], "grad_logits")
        == values(batch([*POINTS, *POINTS[:2]]), "grad_logits")[0]
    )


def test_masked_and_missing_elements_do_not_count():
    odd = [
        {"logits": NAN, "labels": 0.0},
        {"logits": NAN, "labels": 0.0, "sample_mask": 0.0},
        {"logits": 0.25, "labels": 0.0, "sample_mask": 0.0},
    ]
    whole = batch([*POINTS, *odd])
    found = values(whole)
    assert found[:7] == values(batch())
    assert mp.isnan(found[7])
    assert found[8:] == [0, 0]
    assert sum(named(whole.totals, "state_counts")) == 7
    assert values(whole, "normalizer") == [1] * 7 + [0] * 3


def test_a_norm_of_one_is_in_the_last_bin():
    points = [{"logits": x, "labels": 0.0} for x in (INF, 60.0, 4.0, -INF)]
    whole = batch(points)
    assert named(whole.totals, "state_counts") == [1] + [0] * 8 + [3]
    assert values(whole)[0] == INF
    # Three elements in one of two bins.
    assert float(values(whole, "grad_logits")[0]) == 4 / 3 / 2
    assert values(whole)[3] == 0


@pytest.mark.parametrize("bins", [2, 4, 8])
def test_norms_on_an_edge_belong_to_the_upper_bin(bins):
    for eighths in range(9):
        norm = mpf(eighths) / 8
        assert ghm.bin_of(norm, mpf(bins)) == min(eighths * bins // 8, bins - 1)


FAR = [{"predictions": p, "targets": 0.0} for p in (8.0, 9.0)]


def test_classification_gradients_at_fixed_weights():
    for point in POINTS:
        outputs = batch([point, *POINTS]).points[0]
        fixed = named(outputs, "value") / output(BCE, **point)
        for argument in ("logits", "labels"):
            closed = outputs[f"grad_{argument}"]
            assert isinstance(closed, oracle.Number)

            def value(v, argument=argument, point=point, fixed=fixed):
                return fixed * output(BCE, **{**point, argument: v})

            assert_slope(value, point[argument], closed, (argument, point))


def test_regression_gradients_at_fixed_weights():
    def plain(p):
        d, mu = mpf(p["predictions"]) - mpf(p["targets"]), mpf(0.02)
        with mp.workdps(70):
            return mp.sqrt(d**2 + mu**2) - mu

    for d in (-3.0, -0.01, 0.0078125, 1e-6, 0.5):
        point = {"predictions": 1 + d, "targets": 1.0}
        outputs = batch([point, *FAR], None, GHMR).points[0]
        # Alone in one of two bins, or one of three in the only one.
        fixed = mpf(1) if abs(d) >= 0.5 else mpf(3) / 2
        with mp.workdps(60):
            expected = fixed * plain(point)
            assert mp.almosteq(named(outputs, "value"), expected, mpf(10) ** -50)
        for argument in ("predictions", "targets"):
            closed = outputs[f"grad_{argument}"]
            assert isinstance(closed, oracle.Number)

            def value(v, argument=argument, point=point, fixed=fixed):
                return fixed * plain({**point, argument: v})

            assert_slope(value, point[argument], closed, (argument, point))


def test_infinite_differences():
    points = [{"predictions": p, "targets": 0.0} for p in (INF, -INF, NAN, 1.0)]
    whole = batch(points, None, GHMR)
    found = values(whole)
    assert found[:2] == [INF, INF]
    assert mp.isnan(found[2])
    slopes = values(whole, "grad_predictions")
    assert slopes[0] == -slopes[1] > slopes[3] > 0
    assert named(whole.totals, "state_counts")[-1] == 3


def mined(losses, fraction=0.2):
    whole = oracle.evaluate(
        "hard_example_mining", [{"losses": v, "fraction": fraction} for v in losses]
    )
    indices = [int(i) for i in named(whole.totals, "indices")]
    assert [i for i, m in enumerate(values(whole, "mask")) if m] == sorted(indices)
    return indices


def test_mining_is_stable():
    assert mined([0.5, 2.0, 0.1, 2.0, 1.0], 0.6) == [1, 3, 4]
    assert mined([0.0, -0.0, -1.0, 0.0], 1.0) == [0, 1, 3, 2]
    assert mined([1.0, INF, NAN, INF], 0.75) == [1, 2, 3]


def test_mining_rounds_half_up_and_takes_at_least_one():
    assert len(mined([1.0] * 40, 0.0625)) == 3
    assert mined([3.0], 0.01) == [0]
    assert len(mined([1.0] * 7, 0.2)) == 1
