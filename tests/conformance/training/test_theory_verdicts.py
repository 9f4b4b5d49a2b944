import numpy as np
import pytest

from conformance.training.theory import follows, threshold_share
from conformance.training.theory.verdicts import (
    DEPARTS,
    FOLLOWS,
    LABEL_ERRORS,
    OFFSET_MARGIN,
    SLOPE_MARGIN,
)

SEEDS = 20
NOISE = np.random.default_rng(31).normal(0.0, 0.02, (6, SEEDS))
NOISE -= NOISE.mean(axis=1, keepdims=True)


def cell(slope=1.0, offset=0.0, error=0.01, noise=0):
    return {
        "theory": {
            "slope": (slope + NOISE[noise]).tolist(),
            "offset": (offset + NOISE[noise + 1]).tolist(),
            "slope_error": [error] * SEEDS,
            "offset_error": [error] * SEEDS,
        }
    }


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({}, FOLLOWS),
        ({"slope": 1.0 - SLOPE_MARGIN / 2}, FOLLOWS),
        ({"slope": 1.0 - SLOPE_MARGIN - LABEL_ERRORS * 0.01}, "undetermined"),
        ({"slope": 1.0 - 2 * SLOPE_MARGIN}, DEPARTS),
        ({"slope": 1.0 + 2 * SLOPE_MARGIN}, DEPARTS),
        ({"offset": 2 * OFFSET_MARGIN}, DEPARTS),
        ({"offset": -2 * OFFSET_MARGIN}, DEPARTS),
        ({"offset": 2 * OFFSET_MARGIN, "error": 0.1}, FOLLOWS),
        ({"slope": np.nan}, "undetermined"),
    ],
)
def test_verdicts(given, verdict):
    found = follows({"plain": cell(), "other": cell(**given, noise=2)}, "plain")
    assert found["other"]["verdict"] == verdict
    assert found["plain"]["verdict"] == FOLLOWS


def test_interval_stands_beside_that_of_plain():
    cells = {"plain": cell(0.97), "other": cell(0.95, noise=2), "mined": {"theory": {}}}
    found = follows(cells, "plain")
    assert set(found) == {"plain", "other"}
    slope = found["other"]["slope"]
    assert slope["expected"] == 1.0
    assert slope["mean"] == pytest.approx(0.95)
    half = 2.093 * NOISE[2].std(ddof=1) / np.sqrt(SEEDS)
    assert slope["high"] - slope["mean"] == pytest.approx(half, rel=1e-4)
    assert slope["mean"] - slope["low"] == pytest.approx(half, rel=1e-4)
    assert slope["margin"] == pytest.approx(SLOPE_MARGIN + LABEL_ERRORS * 0.01)
    assert slope["of_plain"] == pytest.approx(0.97)
    assert follows({"other": cell()}, "plain")["other"]["offset"]["of_plain"] is None


def test_where_plain_departs_nothing_else_does():
    cells = {"plain": cell(0.6), "other": cell(0.5), "focal": cell(noise=2)}
    found = follows(cells, "plain")
    verdicts = {name: own["verdict"] for name, own in found.items()}
    assert verdicts == {"plain": DEPARTS, "other": "undetermined", "focal": FOLLOWS}


def gains(raw, corrected, metric="f1_half"):
    return {"metrics": {metric: raw}, "theory": {"f1_corrected_half": corrected}}


PLAIN = 0.5 + NOISE[0]


def test_a_gain_that_the_correction_takes_back_is_a_threshold():
    cells = {
        "plain": gains(PLAIN, PLAIN),
        "moved": gains(PLAIN + 0.2, PLAIN),
        "better": gains(PLAIN + 0.2, PLAIN + 0.2),
        "worse": gains(PLAIN - 0.2, PLAIN - 0.05),
    }
    found = threshold_share(cells, "plain")
    assert set(found) == {"moved", "better", "worse"}
    shares = {name: own["share"]["value"] for name, own in found.items()}
    assert shares == pytest.approx({"moved": 1.0, "better": 0.0, "worse": 0.75})
    assert found["moved"]["gain"]["mean"] == pytest.approx(0.2)
    assert found["moved"]["gain_corrected"]["mean"] == pytest.approx(0.0, abs=1e-12)


def test_a_gain_that_is_not_told_from_zero_has_no_share():
    cells = {"plain": gains(PLAIN, PLAIN), "other": gains(0.5 + NOISE[1], PLAIN)}
    assert threshold_share(cells, "plain")["other"]["share"] is None
    broken = gains(np.where(NOISE[1] > 0, np.nan, PLAIN), PLAIN)
    cells = {"plain": cells["plain"], "other": broken}
    assert threshold_share(cells, "plain")["other"]["share"] is None


def test_the_interval_of_a_share_is_that_of_resampled_seeds():
    raw, corrected = PLAIN + 0.2 + NOISE[1], PLAIN + 0.05 + NOISE[2]
    cells = {"plain": gains(PLAIN, PLAIN), "other": gains(raw, corrected)}
    share = threshold_share(cells, "plain")["other"]["share"]
    rows = np.random.default_rng(1).integers(SEEDS, size=(20_000, SEEDS))
    drawn = (raw - corrected)[rows].mean(axis=1) / (raw - PLAIN)[rows].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    # Percentiles of resampled means are narrower by sqrt(19/20) and z over t.
    width = (high - low) * np.sqrt(20 / 19) * 2.093 / 1.96
    ratio = (raw - corrected).mean() / (raw - PLAIN).mean()
    assert share["value"] == pytest.approx(ratio)
    assert share["high"] - share["low"] == pytest.approx(width, rel=0.1)
    assert share["low"] < share["value"] < share["high"]


@pytest.mark.parametrize("metric", ["macro_f1_half", "macro_f1"])
def test_the_f1_is_the_task_s(metric):
    cells = {
        "plain": gains(PLAIN, PLAIN, metric),
        "moved": gains(PLAIN + 0.2, PLAIN, metric),
    }
    found = threshold_share(cells, "plain")
    assert found["moved"]["share"]["value"] == pytest.approx(1.0)


def test_seeds_are_paired_as_far_as_both_have_them():
    cells = {"plain": gains(PLAIN, PLAIN), "moved": gains(PLAIN[:8] + 0.2, PLAIN[:8])}
    found = threshold_share(cells, "plain")["moved"]
    assert found["gain"]["n"] == 8
    assert found["gain"]["mean"] == pytest.approx(0.2)
    cells = {"plain": gains(PLAIN[:8], PLAIN[:8]), "moved": gains(PLAIN + 0.2, PLAIN)}
    assert threshold_share(cells, "plain")["moved"] == found


def test_strategies_without_a_link_have_no_share():
    cells = {"plain": gains(PLAIN, PLAIN), "mined": gains(PLAIN, PLAIN)}
    cells["mined"]["theory"] = {}
    assert threshold_share(cells, "plain") == {}
