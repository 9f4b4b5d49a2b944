from dataclasses import replace

import pytest

from conformance.training import study as module
from conformance.training.study import Study
from tests.conformance.training import made

BACKENDS = ("numpy", "torch")


@pytest.fixture
def make(monkeypatch):
    """Makes a study whose posterior is not known."""
    monkeypatch.setattr(module, "at_posterior", lambda _: None)

    def call(recipe=made.RECIPE, plan=made.PLAN, backends=BACKENDS):
        return Study(made.problem(), plan, recipe, backends, "cpu")  # pyright: ignore[reportArgumentType]

    return call


def complete(study, shifts=None):
    """Computes all rounds; torch is off by a strategy's shift. Returns their names."""
    shifts, names = shifts or {}, []
    for cells in study.rounds():
        names.append([cell.name for cell in cells])
        for cell in cells:
            if not cell.seeds:
                study.results[cell.name] = made.lockstep_cell()
                continue
            torch = cell.backends == ("torch",)
            shift = shifts.get(cell.strategy.name, 0.0) if torch else 0.0
            noise = 0.02 * torch if cell.strategy.name == "noisy" else 0.01
            study.results[cell.name] = made.seed_cell(cell.seeds, 0.5 + shift, noise)
    return names


def test_first_round_is_everything_once(make):
    (names,) = complete(make())
    assert names[:3] == [f"made/lockstep/{name}" for name in made.NAMES]
    assert names[3:] == [
        f"made/{backend}/{name}/0-9" for backend in BACKENDS for name in made.NAMES
    ]


def test_only_what_is_undetermined_goes_on_and_on_all_backends(make):
    names = (*made.NAMES, "noisy")
    recipe = replace(
        made.RECIPE,
        strategies=tuple(replace(made.RECIPE.strategies[0], name=n) for n in names),
    )
    study = make(recipe)
    rounds = complete(study, {"ratio": 0.5, "noisy": 0.01})
    assert rounds[1:] == [
        ["made/numpy/noisy/10-19", "made/torch/noisy/10-19"],
        ["made/numpy/noisy/20-39", "made/torch/noisy/20-39"],
    ]
    found = study.found()
    seeds = {n: len(cell["seeds"]) for n, cell in found["seeds"]["torch"].items()}
    assert seeds == {"plain": 10, "ratio": 10, "focal": 10, "noisy": 40}
    verdicts = {row["strategy"]: row["verdict"] for row in found["equivalence"]}
    assert verdicts["ratio"] == "different"
    assert verdicts["plain"] == verdicts["focal"] == "equivalent"


def test_one_look_is_one_round(make):
    study = make(made.RECIPE.with_seeds(2))
    assert len(complete(study)) == 1
    assert {row["verdict"] for row in study.found()["equivalence"]} == {"undetermined"}


def test_plan_has_its_own_strategies_and_metric(make):
    plan = replace(made.PLAN, strategies=("plain", "focal"), main_metric="f1_half")
    study = make(plan=plan)
    complete(study)
    found = study.found()
    assert list(found["lockstep"]) == ["plain", "focal"]
    assert {row["metric"] for row in found["equivalence"]} == {"f1_half"}
    assert found["counts"] == made.problem().counts()


def test_theory_is_judged_on_every_backend(make):
    study = make()
    complete(study)
    theory = study.found()["theory"]
    assert set(theory) == {"measured", "follows", "threshold_share"}
    for found in theory.values():
        assert list(found) == list(BACKENDS)
    assert theory["follows"]["torch"]["ratio"]["verdict"] == "follows"
    assert list(theory["threshold_share"]["torch"]) == ["ratio", "focal"]


def test_missing_package_is_named_and_its_strategies_left_out(make, monkeypatch):
    smote = replace(made.RECIPE.strategies[0], name="smote", resampling="smote")
    recipe = replace(made.RECIPE, strategies=(*made.RECIPE.strategies, smote))
    monkeypatch.setattr(module, "find_spec", lambda name: name != "imblearn" or None)
    study = make(recipe)
    assert not any("smote" in name for name in complete(study)[0])
    found = study.found()
    assert found["not_run"] == {"smote": "needs imbalanced-learn"}
    assert "smote" not in found["seeds"]["numpy"]
    monkeypatch.setattr(module, "find_spec", lambda _: True)
    assert make(recipe).not_run == {}


def test_nothing_can_run(make, monkeypatch):
    smote = replace(made.RECIPE.strategies[0], resampling="smote")
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    study = make(replace(made.RECIPE, strategies=(smote,)))
    assert complete(study) == [[]]
    assert study.found()["equivalence"] == []


def test_what_can_be_attained(make, monkeypatch):
    best = {"f1_half": 0.7, "f1_searched": 0.8}
    monkeypatch.setattr(module, "at_posterior", lambda _: best)
    study = make()
    complete(study)
    assert study.found()["attainable"] == best
    assert study.found()["bayes_f1"] == 0.8
