import json
from dataclasses import replace

import pytest

from conformance.training.outcome import as_json, conclude, thinned, write_record
from tests.conformance.training import made


def found(**changed):
    row = {"first": "numpy", "second": "torch", "strategy": "plain"}
    return {
        "lockstep": {"plain": made.lockstep_cell()},
        "seeds": {"torch": {"plain": made.seed_cell()}},
        "equivalence": [{**row, "verdict": "equivalent"}],
        "summary": {"torch": {}},
        "contrasts": [{"mean": 1 / 3}],
        "theory": {
            "measured": {"torch": {"plain": {"slope": {"mean": 1 / 3}}}},
            "follows": {"torch": {"plain": {"verdict": "follows"}}},
            "threshold_share": {"torch": {}},
        },
        **changed,
    }


def failures(*, quick=False, strategies=made.RECIPE.strategies, **changed):
    recipe = replace(made.RECIPE, strategies=strategies).as_dict()
    results = {"made": found(**changed)}
    return conclude({"recipe": recipe}, results, quick=quick)["failures"]


def equivalence(verdict):
    return [{**found()["equivalence"][0], "verdict": verdict}]


def test_what_agrees_passes():
    conditions = {"quick": False, "recipe": made.RECIPE.as_dict()}
    outcome = conclude(conditions, {"made": found()}, quick=False)
    assert (outcome["verdict"], outcome["failures"]) == ("pass", [])
    assert outcome["quick"] is False


@pytest.mark.parametrize("verdict", ["fail", "dead", "chaotic"])
def test_lockstep_fails(verdict):
    cell = {"plain": made.lockstep_cell(verdict=verdict)}
    expected = [f"made: lockstep of torch with plain: {verdict}"]
    assert failures(lockstep=cell) == expected
    assert failures(lockstep=cell, quick=True) == expected


def test_untrained_cells_fail():
    cell = {"torch": {"plain": {**made.seed_cell(), "trained": False}}}
    assert failures(seeds=cell) == ["made: torch with plain: nothing trained"]


def test_different_fails_and_undetermined_unless_quick():
    pair = "made: torch and numpy with plain"
    assert failures(equivalence=equivalence("different")) == [f"{pair}: different"]
    assert failures(equivalence=equivalence("different"), quick=True)
    undetermined = equivalence("undetermined")
    assert failures(equivalence=undetermined) == [f"{pair}: undetermined"]
    assert failures(equivalence=undetermined, quick=True) == []


def judged(plain, ratio):
    return {"plain": {"verdict": plain}, "ratio": {"verdict": ratio}}


@pytest.mark.parametrize(
    ("torch", "numpy", "expected"),
    [
        (("follows", "departs"), ("follows", "follows"), ["torch"]),
        (("follows", "departs"), ("follows", "departs"), ["torch", "numpy"]),
        (("follows", "undetermined"), ("follows", "follows"), []),
        (("follows", "departs"), ("undetermined", "undetermined"), []),
        (("departs", "undetermined"), ("departs", "undetermined"), []),
    ],
)
def test_departures_fail_where_plain_follows_on_all(torch, numpy, expected):
    follows = {"torch": judged(*torch), "numpy": judged(*numpy)}
    theory = {**found()["theory"], "follows": follows}
    lines = [f"made: {name} with ratio: departs from theory" for name in expected]
    assert failures(theory=theory) == lines
    assert failures(theory=theory, quick=True) == []


@pytest.mark.parametrize(
    "change", [{"dropout": 0.2}, {"patience": 0}, {"resampling": "smote"}]
)
def test_departures_that_theory_does_not_know_are_no_failure(change):
    plain, ratio, _ = made.RECIPE.strategies
    follows = {"torch": judged("follows", "departs")}
    theory = {**found()["theory"], "follows": follows}
    strategies = plain, replace(ratio, **change)
    assert failures(theory=theory, strategies=strategies) == []
    strategies = plain, replace(ratio, resampling="oversample")
    assert len(failures(theory=theory, strategies=strategies)) == 1


def test_nothing_compared_fails():
    alone = {"plain": made.lockstep_cell(backends=())}
    assert failures(lockstep=alone) == ["nothing was compared"]
    assert failures(lockstep={}) == ["nothing was compared"]


def test_json_is_strict():
    assert as_json({"x": [float("nan"), (float("inf"), 1.0)]}) == (
        '{"x": [null, [null, 1.0]]}\n'
    )


def test_record_keeps_raw_metrics_and_some_updates():
    steps = 333
    whole = found(lockstep={"plain": made.lockstep_cell(steps=steps)})
    record = thinned({"data": {"made": whole}})["data"]["made"]
    cell, trace = record["lockstep"]["plain"], whole["lockstep"]["plain"]
    assert len(cell["updates"]) == 20
    assert cell["updates"][-1] == steps
    assert cell["bound"] == [
        pytest.approx(trace["bound"][update - 1], rel=1e-3)
        for update in cell["updates"]
    ]
    assert len(cell["distances"]["torch"]) == len(cell["shadow"]) == 20
    assert cell["horizon"] == steps
    own = record["seeds"]["torch"]["plain"]
    values = whole["seeds"]["torch"]["plain"]["metrics"]["f1_half"]
    assert own["metrics"]["f1_half"] == [float(f"{value:.4g}") for value in values]
    assert "pictures" not in own
    assert not {"contrasts", "summary"} & set(record)
    assert record["theory"] == {
        "follows": {"torch": {"plain": {"verdict": "follows"}}},
        "threshold_share": {"torch": {}},
    }


@pytest.mark.parametrize(
    ("weights", "kept"),
    [
        ([[1.0, 1.0], [1.0, 1.5]], True),
        ([[5.0, 5.0], [5.0, 5.0]], False),
        ([[None, None], [None, None]], False),
        # Of several classes they would be most of the record.
        ([[[1.0, 2.0], [1.0, 2.0]], [[3.0, 2.0], [3.0, 2.0]]], False),
    ],
)
def test_record_keeps_a_weight_that_moves(weights, kept):
    cell = {**made.seed_cell(range(2)), "weights": weights}
    whole = found(seeds={"torch": {"plain": cell}})
    record = thinned({"data": {"made": whole}})["data"]["made"]
    own = record["seeds"]["torch"]["plain"]
    assert own.get("weights") == (weights if kept else None)


@pytest.mark.parametrize("steps", [0, 1, 19, 21])
def test_short_traces_stay_whole(steps):
    whole = found(lockstep={"plain": made.lockstep_cell(steps=steps)})
    record = thinned({"data": {"made": whole}})["data"]["made"]
    updates = record["lockstep"]["plain"]["updates"]
    assert updates == sorted(set(updates))
    assert updates[-1:] == [steps][: bool(steps)]
    assert len(updates) == min(steps, 20)


def test_record_of_a_large_recipe_is_small(tmp_path):
    names = [f"strategy-{n}" for n in range(20)]
    backends = ("numpy", "torch", "jax")
    cell = made.seed_cell(range(20))
    values = cell["metrics"]["f1_half"]
    cell["metrics"] = {f"metric-number-{n}": values for n in range(12)}
    row = {"mean": 1 / 3, "low": 1 / 7, "high": 1 / 11, "p": 1e-9 / 3}
    data = found(
        lockstep={name: made.lockstep_cell(backends[1:], 1500) for name in names},
        seeds={backend: dict.fromkeys(names, cell) for backend in backends},
        equivalence=[row] * 60,
        contrasts=[row] * 190 * 3 * 4,
    )
    outcome = {"recipe": {"name": "large"}, "data": {"made": data}}
    write_record(outcome, tmp_path)
    assert (tmp_path / "large.json").stat().st_size < 300_000
    assert json.loads((tmp_path / "large.json").read_text())["recipe"]
