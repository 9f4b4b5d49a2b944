import io
import math
import re
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from conformance.training import tables
from conformance.training.metrics import METRICS_OF
from conformance.training.recipe import TASKS
from conformance.training.tables import overview, show

NO_THEORY = {name: {"torch": {}} for name in ("measured", "follows", "threshold_share")}


def found(**changed):
    return {
        "bayes_f1": None,
        "summary": {"torch": {}},
        "theory": NO_THEORY,
        "lockstep": {},
        "equivalence": [],
        "contrasts": [],
        "claims": [],
        "not_run": {},
        **changed,
    }


def shown(*, terminal=False, task="binary", **changed):
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=200)
    show(console, "tiny", found(**changed), task)
    return file.getvalue()


def fields(text):
    """Returns the fields of a plain table's lines, without its title."""
    return [re.split(r" {2,}", line) for line in text.strip().splitlines()[1:]]


@pytest.mark.parametrize("terminal", [True, False])
@pytest.mark.parametrize(
    ("distances", "horizon", "worst"),
    [
        ([0.5, 1.5, 1.0], 3, "0.75"),
        ([0.5, 0.5, 40.0], 2, "0.5"),
        ([0.5, math.nan, 1.0], 3, "nan"),
        ([math.nan, 0.5, 1.0], 3, "nan"),
        ([0.5, 1.5, 1.0], 0, "-"),
    ],
)
def test_worst_distance_is_taken_within_the_horizon(
    distances, horizon, worst, terminal
):
    cell = {
        "distances": {"torch": distances, "jax": [0.0] * 3},
        "bound": [1.0, 2.0, 4.0],
        "horizon": horizon,
        "verdict": {"torch": "fail", "jax": "pass"},
    }
    text = shown(lockstep={"plain": cell}, terminal=terminal)
    line = next(line for line in text.splitlines() if "plain" in line)
    other = "0" if horizon else "-"
    expected = ["plain", str(horizon), "of", "3", worst, other, "fail/pass"]
    assert line.split() == expected


@pytest.mark.parametrize("task", TASKS)
def test_columns_are_metrics_of_the_task(task):
    assert set(tables.COLUMNS[task]) <= set(METRICS_OF[task])
    assert len(tables.COLUMNS[task]) <= 6


def metrics(mean=0.5, **changed) -> dict[str, Any]:
    cell = {name: {"mean": mean, "sd": 0.25} for name in tables.COLUMNS["binary"]}
    return {**cell, **changed}


def test_metrics_are_of_one_backend_beside_how_far_others_are():
    plain = metrics(auc={"mean": 0.75, "sd": None})
    summary = {
        "numpy": {"plain": metrics(auc={"mean": 0.72, "sd": 0.1}), "ratio": metrics()},
        "torch": {"plain": plain, "ratio": metrics()},
        "jax": {"plain": metrics(auc={"mean": 0.77, "sd": 0.1}), "ratio": metrics()},
    }
    summary["jax"]["ratio"]["ece"] = {"mean": math.nan, "sd": math.nan}
    text = shown(summary=summary, bayes_f1=0.9)
    assert "test metrics on torch" in text
    assert "best attainable F1 0.900" in text
    title, *rows = fields(text)
    assert title[0] == "strategy"
    assert title[-1] == "backends apart by at most"
    numbers = [*["0.500±0.250"] * 4, "0.750", "0.500±0.250", "5.0e-02"]
    assert rows == [["plain", *numbers], ["ratio", *["0.500±0.250"] * 6, "nan"]]


def test_one_backend_is_not_apart():
    theory = {name: {"jax": {}} for name in NO_THEORY}
    text = shown(summary={"jax": {"plain": metrics()}}, theory=theory)
    assert "test metrics on jax" in text
    assert fields(text)[1] == ["plain", *["0.500±0.250"] * 6]


def test_metrics_that_a_data_set_lacks_have_no_column():
    cell = {"f1_searched": {"mean": 0.5, "sd": None}}
    text = shown(summary={"torch": {"heatmap": cell}})
    assert fields(text) == [["strategy", "F1 searched"], ["heatmap", "0.500"]]


def contrast(first, second, backend="torch", **changed):
    row = {"first": first, "second": second, "backend": backend, "metric": "f1_half"}
    numbers = {"mean": 0.1, "low": 0.05, "high": 0.15, "level": 0.95}
    return {**row, **numbers, "verdict": "higher", **changed}


LOCKSTEP = {name: {"verdict": {}} for name in ("plain", "ratio", "focal")}


def test_contrasts_are_shown_against_the_first_strategy():
    rows = [
        contrast("plain", "ratio"),
        contrast("plain", "ratio", metric="auc", mean=-0.1, verdict="lower"),
        contrast("ratio", "focal"),
    ]
    text = shown(contrasts=rows, lockstep=LOCKSTEP)
    assert "difference from plain on torch, paired seeds, with 95 % interval" in text
    assert fields(text) == [
        ["strategy", "F1 @ 0.5", "AUC"],
        ["ratio", "+0.100±0.050 higher", "-0.100±0.050 lower"],
    ]


def test_backends_that_say_different_things_are_shown():
    rows = [
        contrast("plain", "ratio", "numpy", verdict="lower"),
        contrast("plain", "ratio", mean=None, low=None, high=None),
    ]
    text = shown(contrasts=rows, lockstep=LOCKSTEP, summary={"numpy": {}, "torch": {}})
    assert fields(text)[1] == ["ratio", "-±- lower/higher"]


def equivalence(**changed):
    return {
        "first": "numpy",
        "second": "torch",
        "strategy": "plain",
        "metric": "f1_searched",
        "n": 10,
        "mean": 1e-4,
        "low": -1e-3,
        "high": 2e-3,
        "level": 1 - 0.1 / 3,
        "margin": 0.01,
        "verdict": "equivalent",
        **changed,
    }


def test_equivalence_shows_the_pair_that_differs_most():
    further = equivalence(second="jax", mean=-3e-4, n=20)
    rows = [equivalence(), further, equivalence(strategy="ratio"), equivalence()]
    rows[2]["verdict"] = "different"
    text = shown(equivalence=[*rows, equivalence(strategy="ratio", mean=0.0)])
    assert "tests of F1 searched within ±0.01" in text
    assert fields(text) == [
        ["strategy", "n", "of", "largest difference, 96.7 % interval", "verdict"],
        ["plain", "20", "jax - numpy", "-3.0e-04 [-1.0e-03, +2.0e-03]", "equivalent"],
        [
            "ratio",
            "10",
            "torch - numpy",
            "+1.0e-04 [-1.0e-03, +2.0e-03]",
            "different/equivalent",
        ],
    ]


def test_difference_that_is_no_number_is_the_largest():
    broken = equivalence(second="jax", mean=None, low=None, high=None)
    rows = fields(shown(equivalence=[equivalence(), broken]))
    assert rows[1][2:4] == ["jax - numpy", "- [-, -]"]


def measured(raw, corrected):
    return {"ece_raw": {"mean": raw}, "ece_corrected": {"mean": corrected}}


def interval(mean, half=0.05):
    return {"mean": mean, "low": mean - half, "high": mean + half}


def line(verdict):
    return {"slope": interval(0.9), "offset": interval(-0.2), "verdict": verdict}


THEORY = {
    "measured": {
        "torch": {
            "plain": measured(0.01, 0.01),
            "ratio": measured(0.2, 0.03),
            "mining": {},
        }
    },
    "follows": {
        "torch": {"plain": line("follows"), "ratio": line("departs")},
        "jax": {"plain": line("follows"), "ratio": line("undetermined")},
    },
    "threshold_share": {
        "torch": {
            "ratio": {
                "gain": interval(0.1),
                "share": {"value": 0.9, "low": 0.8, "high": 1.0},
            }
        }
    },
}


def test_strategies_stand_against_the_known_posterior():
    text = shown(theory=THEORY)
    assert "theory expects slope 1 and offset 0, on torch" in text
    title, *rows = fields(text)
    assert title[1:4] == ["slope", "offset", "verdict"]
    fitted = ["0.90 [0.85, 0.95]", "-0.20 [-0.25, -0.15]"]
    share = ["+0.100±0.050", "0.90 [0.80, 1.00]"]
    assert rows == [
        ["plain", *fitted, "follows", "0.010 → 0.010", "-", "-"],
        ["ratio", *fitted, "departs/undetermined", "0.200 → 0.030", *share],
    ]


def test_without_posterior_calibration_and_shares_are_left():
    gained = {"ratio": {"gain": interval(0.1), "share": None}}
    theory = {
        **THEORY,
        "follows": {"torch": {}, "jax": {}},
        "threshold_share": {"torch": gained},
    }
    text = shown(theory=theory)
    assert "with the link of each loss undone, on torch" in text
    assert fields(text)[1:] == [
        ["plain", "0.010 → 0.010", "-", "-"],
        ["ratio", "0.200 → 0.030", "+0.100±0.050", "-"],
    ]


def test_rankings_have_a_line_for_each_metric():
    one = {"claim": "a > b", "metric": "auc", "stability": "undetermined"}
    claims = [
        {**one, "backend": "torch", "mean": "reproduced"},
        {**one, "backend": "jax", "mean": "contradicted"},
    ]
    assert fields(shown(claims=claims))[1] == [
        "a > b",
        "AUC",
        "reproduced/contradicted",
        "undetermined",
    ]


def test_what_did_not_run_is_said():
    text = shown(not_run={"smote": "needs imbalanced-learn"})
    assert text == "tiny: smote: not run: needs imbalanced-learn\n"


def test_overview_has_a_line_for_each_recipe():
    outcome = {
        "recipe": {"name": "made"},
        "verdict": "fail",
        "failures": ["nothing was compared"],
        "data": {
            "synthetic": {"lockstep": {"plain": {}, "ratio": {}}},
            "blobs": {"lockstep": {"heatmap": {}, "plain": {}}},
        },
    }
    file = io.StringIO()
    path = Path("made") / "outcome.json"
    overview(Console(file=file, width=200), [(outcome, 12.6, path)])
    assert fields(file.getvalue())[1] == [
        "made",
        "fail",
        "1",
        "3",
        "2",
        "13",
        str(path),
    ]
