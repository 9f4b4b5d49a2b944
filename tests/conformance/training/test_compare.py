import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.console import Console

from conformance.errors import UsageError
from conformance.training import compare as module
from conformance.training.data import SOURCES
from conformance.training.recipes import RECIPES
from conformance.training.tiny import short

ALL = ("numpy", "torch", "jax")


@pytest.fixture
def run(monkeypatch, tmp_path, problem):
    """Runs the tiny recipe and returns exit status and what was printed."""
    monkeypatch.setitem(RECIPES, "pos_weight", short())
    monkeypatch.setitem(SOURCES, "tiny", lambda **_: problem)

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
    return lambda: json.loads((tmp_path / "out" / "outcome.json").read_text())


def test_whole_comparison_passes_and_is_recorded(
    run, outcome, tmp_path, recipe, monkeypatch
):
    monkeypatch.setitem(RECIPES, "pos_weight", recipe)
    before = torch.get_num_threads()
    status, text = run("pos_weight", backends=ALL)
    assert status == 0, text
    assert torch.get_num_threads() == before
    found = outcome()
    assert found["verdict"] == "pass"
    assert found["recipe"] == recipe.as_dict()
    assert found["seeds"] == list(range(8))
    assert set(found["versions"]) >= {"python", "numpy", "torch", "jax", "jaxlib"}
    tiny = found["data"]["tiny"]
    assert len(tiny["equivalence"]) == 3 * 5
    assert {row["verdict"] for row in tiny["equivalence"]} == {"equivalent"}
    assert len(tiny["contrasts"]) == 3 * 2 * 10
    assert len(tiny["claims"]) == 3 * 2 * 2
    assert 0.5 < tiny["bayes_f1"] < 1.0
    for name in ("lockstep", "f1"):
        assert (tmp_path / "out" / f"{name}.png").read_bytes()[:4] == b"\x89PNG"
        assert "<svg" in (tmp_path / "out" / f"{name}.svg").read_text()[:2000]
    assert "tiny: lockstep in float64" in text
    assert "[20/20] tiny/jax/adaptive-article" in text


def test_interruption_loses_only_the_running_cell(run, outcome, monkeypatch):
    computed = []
    honest = module.run_seeds

    def counted(*args, **options):
        computed.append(options["backend"])
        if computed == ["numpy", "torch"]:
            raise KeyboardInterrupt
        return honest(*args, **options)

    monkeypatch.setattr(module, "run_seeds", counted)
    status, text = run()
    assert status == 130
    assert "interrupted with 2 cells in " in text
    assert text.endswith("the same command with --resume continues from there.\n")
    assert run(resume=True)[0] == 0
    assert computed == ["numpy", "torch", "torch"]
    resumed = outcome()["data"]["tiny"]["equivalence"]
    assert run()[0] == 0
    assert computed[3:] == ["numpy", "torch"]
    assert outcome()["data"]["tiny"]["equivalence"] == resumed
    with pytest.raises(UsageError, match=r"--resume: .*seeds changed"):
        run(resume=True, seeds=9)


def test_few_seeds_fail_unless_quick(run, recipe, monkeypatch):
    status, text = run(seeds=2)
    assert status == 1
    assert "torch and numpy with plain: undetermined" in text
    few = replace(RECIPES["pos_weight"], seeds=2)
    monkeypatch.setattr(type(recipe), "quick", lambda _: few)
    assert run(quick=True)[0] == 0


def test_backends_that_differ_fail(run, outcome, monkeypatch):
    honest = module.run_seeds

    def biased(*args, backend, **options):
        found = honest(*args, backend=backend, **options)
        if backend == "torch":
            metrics = found["metrics"]
            metrics["f1_searched"] = [v - 0.05 for v in metrics["f1_searched"]]
        return found

    monkeypatch.setattr(module, "run_seeds", biased)
    status, text = run(quick=True)
    assert status == 1
    assert "torch and numpy with plain: different" in text
    assert outcome()["verdict"] == "fail"


def test_dead_models_fail(run, recipe, monkeypatch):
    still = replace(recipe, optimizer=replace(recipe.optimizer, learning_rate=0.0))
    monkeypatch.setitem(RECIPES, "pos_weight", still)
    status, text = run(terminal=True)
    assert status == 1
    assert "lockstep of torch with plain: dead" in text
    assert "numpy with plain: nothing trained" in text


def test_reference_alone_compares_nothing(run):
    status, text = run(backends=("numpy",), quick=True)
    assert status == 1
    assert "nothing was compared" in text


def test_users_data_takes_the_place_of_the_recipes(run, outcome, tmp_path, problem):
    parts = [problem.train, problem.validation, problem.test]
    path = tmp_path / "own.npz"
    np.savez(
        path,
        X=np.concatenate([part.features for part in parts]),
        y=np.concatenate([part.labels for part in parts]),
        split=np.repeat([0, 1, 2], [part.labels.size for part in parts]),
    )
    status, text = run(data=path)
    assert status == 0, text
    found = outcome()
    assert list(found["data"]) == ["user"]
    assert found["data"]["user"]["bayes_f1"] is None
    assert len(found["data_digest"]) == 64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 0}, "--seeds: must be >= 1, got 0"),
        ({"backends": ("mxnet",)}, "--backends: 'mxnet' is none of"),
        ({"device": "tpu"}, "--device: 'tpu' is neither"),
    ],
)
def test_usage_errors(run, options, message):
    with pytest.raises(UsageError, match=message):
        run(**options)


def test_unknown_recipe_and_bad_file(run, tmp_path):
    with pytest.raises(UsageError, match="RECIPE: 'none'"):
        run("none")
    with pytest.raises(UsageError, match="--data: cannot read"):
        run(data=tmp_path / "none.npz")


def test_resume_refuses_other_sources(run, monkeypatch):
    run()
    monkeypatch.setattr(module, "source_digest", lambda: "edited")
    with pytest.raises(UsageError, match=r"--resume: .*\(source changed\)"):
        run(resume=True)


@pytest.mark.parametrize("blocked", ["out", "out/cells.jsonl", "out/outcome.json"])
def test_folder_that_cannot_be_written(run, tmp_path, blocked):
    path = tmp_path / blocked
    if path.suffix:
        path.mkdir(parents=True)
    else:
        path.write_text("")
    with pytest.raises(UsageError, match=r"--out: cannot write .*out"):
        run("pos_weight")
