import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from conformance.errors import UsageError
from conformance.training import canaries, cells, study
from conformance.training import compare as module
from conformance.training.data import SOURCES
from conformance.training.recipes import RECIPES
from tests.conformance.training import made

# Calls of the trainings: where they ran.
Calls = list[str]


@pytest.fixture
def calls(monkeypatch) -> Calls:
    """Has results made instead of trained, and lists what was asked for."""
    made_up: Calls = []

    def run_seeds(problem, plan, strategy, recipe, *, backend, device, seeds):
        del problem, plan, recipe, device
        made_up.append(f"{backend}/{strategy.name}/{len(seeds)}")
        return made.seed_cell(seeds, deviation=0.01 if backend == "numpy" else 0.011)

    def run_lockstep(problem, plan, strategy, recipe, *, backends, device):
        del problem, plan, recipe, device
        made_up.append(f"lockstep/{strategy.name}")
        return made.lockstep_cell([b for b in backends if b != "numpy"])

    monkeypatch.setattr(cells, "run_seeds", run_seeds)
    monkeypatch.setattr(cells, "run_lockstep", run_lockstep)
    return made_up


@pytest.fixture
def run(monkeypatch, tmp_path, calls):
    """Runs the made recipe and returns exit status and what was printed."""
    del calls
    for name in list(RECIPES):
        monkeypatch.delitem(RECIPES, name)
    one = replace(made.RECIPE, strategies=made.RECIPE.strategies[:2])
    monkeypatch.setitem(RECIPES, "made", one)
    monkeypatch.setitem(SOURCES, "made", made.problem)
    monkeypatch.setattr(study, "at_posterior", lambda _: None)
    monkeypatch.setattr(module, "plot_outcome", lambda *_: [])
    monkeypatch.setattr(canaries, "missed", list)

    def call(*recipes, terminal=False, **changed):
        options = {
            "backends": ("numpy", "torch"),
            "seeds": None,
            "device": "cpu",
            "data": None,
            "out": tmp_path / "out",
            "quick": False,
            "resume": False,
            **changed,
        }
        text = io.StringIO()
        console = Console(file=text, force_terminal=terminal, width=200)
        status = module.compare(list(recipes), console=console, **options)
        return status, text.getvalue()

    return call


@pytest.fixture
def outcome(tmp_path):
    return lambda: json.loads((tmp_path / "out" / "made" / "outcome.json").read_text())


def test_comparison_passes_and_is_recorded(run, outcome, calls):
    status, text = run("made")
    assert status == 0, text
    found = outcome()
    assert found["verdict"] == "pass"
    assert found["recipe"] == RECIPES["made"].as_dict()
    assert found["seeds"] == list(range(40))
    assert set(found["versions"]) >= {"python", "numpy", "torch"}
    data = found["data"]["made"]
    assert len(data["equivalence"]) == 2
    assert len(data["contrasts"]) == 2 * 2
    assert len(data["seeds"]["torch"]["plain"]["metrics"]["f1_half"]) == 10
    assert len(calls) == len(set(calls)) == 2 + 4
    assert "made: lockstep in float64" in text
    assert "[6/6] made/torch/ratio/0-9 0.0 s" in text
    assert text.endswith("outcome.json\n")


def test_every_recipe_has_its_folder(run, tmp_path, monkeypatch):
    other = replace(RECIPES["made"], name="other")
    monkeypatch.setitem(RECIPES, "other", other)
    status, text = run()
    assert status == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"made", "other"}
    assert text.startswith("made, 1 of 2\n[1/6] made/lockstep/plain 0.0 s")
    assert "\nother, 2 of 2\n" in text


def test_one_failure_among_several_recipes_counts(run, monkeypatch):
    monkeypatch.setitem(RECIPES, "other", replace(RECIPES["made"], name="other"))
    statuses = iter((1, 0))
    monkeypatch.setattr(module, "_report", lambda *_: next(statuses))
    assert run()[0] == 1


def test_recipe_named_twice_runs_once(run, calls):
    status, text = run("made", "made")
    assert status == 0
    assert len(calls) == 6
    assert "of 2" not in text


def test_interruption_loses_only_the_running_cell(run, outcome, monkeypatch, calls):
    honest = cells.run_seeds

    def interrupted(*args, **options):
        if len(calls) == 4:
            monkeypatch.setattr(cells, "run_seeds", honest)
            raise KeyboardInterrupt
        return honest(*args, **options)

    monkeypatch.setattr(cells, "run_seeds", interrupted)
    status, text = run()
    assert status == 130
    assert "interrupted with 4 cells in " in text
    assert text.endswith("the same command with --resume continues from there.\n")
    assert run(resume=True)[0] == 0
    assert len(calls) == len(set(calls)) == 6
    resumed = outcome()["data"]
    assert run()[0] == 0
    assert len(calls) == 12
    assert outcome()["data"]["made"]["equivalence"] == resumed["made"]["equivalence"]
    with pytest.raises(UsageError, match=r"--resume: .*seeds changed"):
        run(resume=True, seeds=9)


def test_seeds_are_one_look(run, outcome):
    status, _ = run(seeds=12)
    assert status == 0
    assert outcome()["recipe"]["statistics"]["looks"] == [12]
    assert outcome()["data"]["made"]["equivalence"][0]["n"] == 12


def test_few_seeds_fail_unless_quick(run, outcome):
    status, text = run(seeds=2)
    assert status == 1
    assert "torch and numpy with plain: undetermined" in text
    note = "--seeds 2: fewer than 8 never show equivalence.\n"
    assert text.startswith(note)
    assert run(seeds=2, quick=True)[0] == 0
    run(quick=True)
    assert outcome()["recipe"]["statistics"]["looks"] == [8]
    assert "fewer than" not in run(seeds=8)[1]
    assert "fewer than" not in run(seeds=2, backends=("torch",))[1]


def test_changed_strategy_recomputes_only_its_cells(run, tmp_path, monkeypatch, calls):
    cache = tmp_path / "cache"
    run(cache=cache)
    assert len(calls) == 6
    plain, ratio = RECIPES["made"].strategies
    changed = (plain, replace(ratio, factor=2.0))
    monkeypatch.setitem(RECIPES, "made", replace(RECIPES["made"], strategies=changed))
    status, text = run(cache=cache)
    assert status == 0
    assert sorted(calls[6:]) == ["lockstep/ratio", "numpy/ratio/10", "torch/ratio/10"]
    assert "made/torch/plain/0-9 cached" in text
    run()
    assert len(calls) == 9 + 6


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A user's file, and what it was read with."""
    path, asked = tmp_path / "own.npz", {}
    path.write_bytes(b"numbers")

    def user_file(_, **options):
        asked.update(options)
        return made.Problem()

    monkeypatch.setattr(module, "user_file", user_file)
    return path, asked


def test_users_data_takes_the_place_of_the_recipes(run, outcome, own, monkeypatch):
    path, asked = own
    user = replace(made.PLAN, name="user", options={"seed": 3})
    monkeypatch.setitem(RECIPES, "made", replace(RECIPES["made"], user_data=user))
    assert run(data=path)[0] == 0
    assert asked == {"task": "binary", "seed": 3}
    assert list(outcome()["data"]) == ["user"]
    assert len(outcome()["data_digest"]) == 64


def test_other_data_of_the_same_name_are_not_cached(run, own, tmp_path, calls):
    path, _ = own
    for content, computed in ((b"numbers", 6), (b"numbers", 6), (b"others", 12)):
        path.write_bytes(content)
        run(data=path, cache=tmp_path / "cache")
        assert len(calls) == computed


def test_record_is_a_file_of_the_recipes_name(run, tmp_path):
    run(record=tmp_path / "records")
    record = json.loads((tmp_path / "records" / "made.json").read_text())
    assert record["verdict"] == "pass"


def test_record_that_cannot_be_written_is_told_first(run, tmp_path, calls):
    (tmp_path / "records").write_text("")
    with pytest.raises(UsageError, match=r"--record: cannot write .*records"):
        run(record=tmp_path / "records")
    assert not calls


def test_interruption_of_the_figures(run, monkeypatch, calls):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "plot_outcome", interrupted)
    status, text = run()
    assert status == 130
    assert "interrupted with 6 cells in " in text
    monkeypatch.setattr(module, "plot_outcome", lambda *_: [])
    assert run(resume=True)[0] == 0
    assert len(calls) == 6


def test_blind_harness_says_so(run, monkeypatch, tmp_path):
    monkeypatch.setattr(canaries, "missed", lambda: ["a wrong training"])
    status, text = run()
    assert status == 2
    assert "the harness does not see: a wrong training" in text
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 0}, "--seeds: must be >= 1, got 0"),
        ({"seeds": -1}, "--seeds: must be >= 1, got -1"),
        ({"workers": 0}, "--workers: must be >= 1, got 0"),
        ({"backends": ("numpy",)}, "--backends: expected torch .* got numpy alone"),
        ({"backends": ("mxnet",)}, "--backends: 'mxnet' is none of"),
        ({"device": "tpu"}, "--device: 'tpu' is neither"),
    ],
)
def test_usage_errors(run, options, message):
    with pytest.raises(UsageError, match=message):
        run(**options)


def test_unknown_recipe(run):
    with pytest.raises(UsageError, match="RECIPE: 'none' is none of made"):
        run("made", "none")


def test_resume_refuses_other_sources(run, monkeypatch):
    run()
    monkeypatch.setattr(module, "source_digest", lambda: "edited")
    with pytest.raises(UsageError, match=r"--resume: .*\(source changed\)"):
        run(resume=True)


@pytest.mark.parametrize(
    "blocked", ["", "made", "made/cells.jsonl", "made/outcome.json"]
)
def test_folder_that_cannot_be_written(run, tmp_path, blocked):
    path = tmp_path / "out" / blocked
    if path.suffix:
        path.mkdir(parents=True)
    else:
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    with pytest.raises(UsageError, match=r"--out: cannot write .*out"):
        run("made")
