import io
import math
from typing import Any

import pytest
from rich.console import Console

from conformance.training import tables
from conformance.training.metrics import METRICS_OF
from conformance.training.recipe import TASKS
from conformance.training.tables import show


def found(**changed):
    return {
        "bayes_f1": None,
        "summary": {"torch": {}},
        "theory": {"torch": {}},
        "lockstep": {},
        "equivalence": [],
        "contrasts": [],
        "claims": [],
        "not_run": {},
        **changed,
    }


def shown(*, terminal=False, **changed):
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=200)
    show(console, "tiny", found(**changed), "binary")
    return file.getvalue()


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
        "distances": {"torch": distances},
        "bound": [1.0, 2.0, 4.0],
        "horizon": horizon,
        "verdict": {"torch": "fail"},
    }
    text = shown(lockstep={"plain": cell}, terminal=terminal)
    line = next(line for line in text.splitlines() if "plain" in line)
    expected = ["plain", "torch", str(horizon), "of", "3", worst, "fail"]
    assert line.split() == expected


@pytest.mark.parametrize("task", TASKS)
def test_columns_are_metrics_of_the_task(task):
    assert set(tables.COLUMNS[task]) <= set(METRICS_OF[task])
    assert len(tables.COLUMNS[task]) <= 6


def test_metrics_with_deviations_and_the_best_attainable():
    names = tables.COLUMNS["binary"]
    cell: dict[str, Any] = {name: {"mean": 0.5, "sd": 0.25} for name in names}
    cell["auc"] = {"mean": 0.75, "sd": None}
    text = shown(summary={"torch": {"plain": cell}}, bayes_f1=0.9)
    assert "best attainable F1 0.900" in text
    title, row = text.splitlines()[-2:]
    assert title.split("  ")[0] == "strategy"
    assert row.split() == [
        "plain",
        "torch",
        *["0.500±0.250"] * 4,
        "0.750",
        "0.500±0.250",
    ]


def contrast(first, second, backend="torch", **changed):
    row = {"first": first, "second": second, "backend": backend, "metric": "f1_half"}
    numbers = {"mean": 0.1, "low": 0.05, "high": 0.15, "level": 0.95}
    return {**row, **numbers, "verdict": "higher", **changed}


def test_contrasts_are_shown_against_the_first_strategy():
    rows = [contrast("plain", "ratio"), contrast("ratio", "focal")]
    lockstep = {name: {"verdict": {}} for name in ("plain", "ratio", "focal")}
    text = shown(contrasts=rows, lockstep=lockstep)
    assert "difference from plain with 95 % interval of each" in text
    last = text.splitlines()[-1]
    assert last.split() == ["ratio", "F1", "@", "0.5", "+0.100±0.050", "higher"]


def test_backends_that_say_different_things_are_shown():
    rows = [
        contrast("plain", "ratio"),
        contrast("plain", "ratio", "jax", low=None, high=None, verdict="lower"),
    ]
    text = shown(
        contrasts=rows,
        lockstep={"plain": {"verdict": {}}},
        summary={"torch": {}, "jax": {}},
    )
    assert text.splitlines()[-1].split()[-3:] == [
        "+0.100±0.050",
        "+0.100±-",
        "higher/lower",
    ]


def test_equivalence_says_its_level():
    row = {
        "first": "torch",
        "second": "jax",
        "strategy": "plain",
        "n": 10,
        "mean": 1e-4,
        "low": -1e-3,
        "high": 2e-3,
        "level": 1 - 0.1 / 3,
        "margin": 0.01,
        "verdict": "equivalent",
    }
    text = shown(equivalence=[row])
    assert "difference, 96.7 % interval" in text
    assert "jax - torch  plain     10  +1.0e-04 [-1.0e-03, +2.0e-03]  ±0.01" in text


def test_theory_has_at_most_six_columns_and_dashes():
    one = {"mean": 1.0, "low": 0.9, "high": 1.1}
    names = [f"slope_{n}" for n in range(8)]
    cells = {"plain": dict.fromkeys(names, one), "smote": {}}
    text = shown(theory={"torch": cells})
    plain, smote = text.splitlines()[-2:]
    assert plain.split() == ["plain", "torch", *["+1.000±0.100"] * 6]
    assert smote.split() == ["smote", "torch", *"------"]


def test_what_did_not_run_is_said():
    text = shown(not_run={"smote": "needs imbalanced-learn"})
    assert text == "tiny: smote: not run: needs imbalanced-learn\n"
