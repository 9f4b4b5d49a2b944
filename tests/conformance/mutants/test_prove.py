import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from conformance.adapters.protocol import Errored
from conformance.errors import UsageError
from conformance.mutants import catalogue, prove
from conformance.mutants.bench import Bench
from conformance.mutants.catalogue import CATEGORIES, Case, mutants
from conformance.mutants.prove import Options, chosen
from conformance.mutants.record import judged_control, judged_fault, of_mutant

ROOT = Path(__file__).parents[3]
HEAT = "numpy/heatmap_focal_loss/*"


@pytest.fixture
def run(tmp_path):
    """Runs some of the catalogue; returns status, kill matrix and what was printed."""

    def call(select=HEAT, **changed):
        text = io.StringIO()
        console = Console(file=text, width=200, force_terminal=False)
        options = Options(select=select, out=tmp_path, **changed)
        status = prove.prove(options, console)
        path = tmp_path / "prove.json"
        document = json.loads(path.read_text()) if path.exists() else {}
        return status, document, text.getvalue()

    return call


@pytest.fixture
def injected(monkeypatch):
    """Puts another mutant in the place of all others."""

    def put(**changes):
        one = next(m for m in mutants() if m.name.startswith("numpy/heatmap"))
        found = replace(one, **changes)
        monkeypatch.setattr(prove, "mutants", lambda: (found,))
        monkeypatch.setattr("conformance.mutants.bench.mutants", lambda: (found,))
        return found

    return put


def test_all_killed_is_proven(run):
    status, document, text = run()
    assert status == 0
    assert document["verdict"] == "proven"
    assert document["interrupted"] is False
    assert {"spec", "digest", "versions"} <= set(document["header"])
    assert document["counts"]["fault"] == {"asked": 2, "killed": 2, "right": 2}
    fields = {"name", "kind", "category", "backend", "operation", "clause", "what"}
    fields |= {"killed", "by", "expected_case", "seconds", "status"}
    for record in document["mutants"]:
        assert fields <= set(record)
        assert record["killed"] is True
        assert 1 <= len(record["by"]) <= 3
        assert all(case.startswith("heatmap_focal_loss/") for case in record["by"])
    assert "PROVEN IN PART: 2 of 2 faults killed by their case" in text
    assert "[2/2] numpy/heatmap_focal_loss/" in text


def test_a_survivor_is_named_and_fails(run, injected):
    one = injected(case=Case("basic/default", "float64"))
    status, document, text = run("*heatmap*")
    assert status == 1
    assert document["verdict"] == "not proven"
    (record,) = document["mutants"]
    assert (record["status"], record["killed"]) == ("survived", False)
    assert f"SURVIVED {one.name}" in text
    assert one.what in text
    assert one.clause in text
    assert "NOT PROVEN: 0 of 1 faults" in text


def test_a_case_that_the_right_function_fails_proves_nothing(run, injected):
    injected(case=Case("no/such/case", "float64"))
    status, document, _ = run("*heatmap*")
    assert status == 1
    (record,) = document["mutants"]
    assert record["status"] == "unfounded"
    assert "no result" in record["reason"]


def test_a_control_that_is_killed_fails(run, injected):
    injected(kind="control", category="control")
    status, document, text = run("*heatmap*")
    assert status == 1
    assert document["counts"]["control"] == {"asked": 1, "killed": 1, "right": 0}
    assert "KILLED numpy/heatmap_focal_loss" in text


def test_what_raises_is_broken_and_fails(run, injected):
    injected(function="numpy_faults:no_such", case=Case("basic/default", "float64"))
    assert run("*heatmap*")[0] == 1
    injected(function="no_such_module:fault")
    status, document, text = run("*heatmap*")
    assert status == 1
    assert document["mutants"][0]["status"] == "broken"
    assert "ModuleNotFoundError" in text


def test_a_fault_of_the_harness_that_stays_green_fails(run, monkeypatch):
    from conformance.mutants import harness_faults
    from conformance.mutants.harness import Harness

    nothing = (Harness("nothing", "Nothing is wrong."),)
    monkeypatch.setattr(harness_faults, "ALL", nothing)
    monkeypatch.setattr(prove, "ALL", nothing)
    status, document, _ = run("harness/*")
    assert status == 1
    assert document["counts"]["harness"] == {"asked": 1, "killed": 0, "right": 0}


def test_nothing_selected_is_not_proven(run):
    status, _, text = run("no/such/*")
    assert status == 1
    assert "--select: 'no/such/*' matches no mutant." in text


def test_interrupted_keeps_what_was_found(run, monkeypatch):
    judge, names = Bench.judge, []

    def interrupting(self, name):
        if names:
            raise KeyboardInterrupt
        names.append(name)
        return judge(self, name)

    monkeypatch.setattr(Bench, "judge", interrupting)
    status, document, text = run()
    assert status == 130
    assert [record["name"] for record in document["mutants"]] == names
    assert document["interrupted"] is True
    assert document["verdict"] == "not proven"
    assert "interrupted with 1 mutants" in text


def test_a_worker_that_ends_is_a_record():
    class Ended:
        def ask(self, *_):
            return Errored("EOFError", "a worker process ended")

    name = next(one.name for one in mutants() if one.backend == "jax")
    record = prove._elsewhere(Ended(), name)  # pyright: ignore[reportArgumentType]
    assert (record.status, record.right) == ("broken", False)
    assert "a worker process ended" in record.reason


def test_lanes_are_processes_that_judge_the_same(run):
    select = "*/hard_example_mining/later-ties-first"
    status, document, _ = run(select)
    assert status == 0
    assert {r["backend"] for r in document["mutants"]} == {"torch", "jax"}


def test_quick_shows_every_category():
    few, every = chosen(Options(quick=True)), chosen(Options())
    assert set(few) < set(every)
    kept = [one for one in mutants() if one.name in few]
    assert {one.category for one in kept} == {*CATEGORIES, catalogue.CONTROL}
    assert sum(name.startswith("harness/") for name in few) >= 16


def test_judging_is_by_results_alone():
    fault, control = mutants()[0], mutants()[-1]
    assert not of_mutant(fault, **judged_fault([], [])).right
    assert not of_mutant(control, **judged_control([])).right


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "prove.json").mkdir()
    with pytest.raises(UsageError, match=r"--out: cannot write .*prove\.json"):
        prove.prove(Options(select=HEAT, out=tmp_path), Console(file=io.StringIO()))


def test_command(tmp_path):
    command = [sys.executable, "-m", "conformance", "prove"]
    command += ["--select", HEAT, "--out", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "PROVEN" in done.stdout
    assert (tmp_path / "prove.json").exists()
    (tmp_path / "file").write_text("")
    command[-1] = str(tmp_path / "file")
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("--out: cannot write")
