import io
import json

import pytest
import torch
from rich.console import Console

from conformance.training import tiny
from conformance.training.compare import compare
from conformance.training.data import SOURCES
from conformance.training.recipes import RECIPES

ALL = ("numpy", "torch", "jax")


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Trains the tiny recipe, and returns the outcome, its folder and the text."""
    recipe = tiny.short()
    monkeypatch.setitem(RECIPES, recipe.name, recipe)
    monkeypatch.setitem(SOURCES, "tiny", lambda **_: tiny.problem())

    def call(workers):
        out, text = tmp_path / str(workers), io.StringIO()
        status = compare(
            [recipe.name],
            backends=ALL,
            seeds=None,
            device="cpu",
            data=None,
            out=out,
            quick=False,
            resume=False,
            console=Console(file=text, width=200),
            workers=workers,
        )
        assert status == 0, text.getvalue()
        folder = out / recipe.name
        outcome = json.loads((folder / "outcome.json").read_text())
        return outcome["data"]["tiny"], folder, text.getvalue()

    return call


def without_seconds(value):
    if isinstance(value, dict):
        return {k: without_seconds(v) for k, v in value.items() if k != "seconds"}
    return value


def test_trained_comparison_passes_and_processes_change_nothing(trained):
    threads = torch.get_num_threads()
    alone, folder, text = trained(1)
    assert torch.get_num_threads() == threads
    assert {row["verdict"] for row in alone["equivalence"]} == {"equivalent"}
    assert len(alone["equivalence"]) == 3
    assert 0.5 < alone["bayes_f1"] < 1.0
    for found in alone["theory"].values():
        assert set(found) == set(alone["summary"]) == set(ALL)
    assert (folder / "lockstep.png").read_bytes()[:4] == b"\x89PNG"
    assert "tiny: against the known posterior" in text
    together, _, _ = trained(2)
    assert without_seconds(together) == without_seconds(alone)
