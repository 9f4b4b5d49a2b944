import io
import json

import pytest
from rich.console import Console

from conformance import ratchet, runner
from conformance.budgets import C_MAX
from conformance.errors import UsageError
from conformance.plan import Options
from conformance.ratchet import FILE
from conformance.ratchet.command import run as command
from conformance.report.stream import read
from tests.conformance.ratchet.made import HERE, holding, report, result
from tests.conformance.test_cli import PLANTED, conformance


@pytest.mark.parametrize("stored", [None, C_MAX])
def test_judging_does_not_ask_the_file(stored, tmp_path):
    impl = f"{PLANTED}:wrong"
    file = tmp_path / "ratchet.json"
    file.write_text(json.dumps(holding(**{impl: stored} if stored else {})))
    options = Options(
        (impl,), select="sigmoid_focal_loss/basic/*", out=tmp_path, ratchet=file
    )
    assert runner.run(options, Console(file=io.StringIO())) == 1
    found = read(tmp_path / "report.json").results
    assert {r.status for r in found if r.worst and r.worst > C_MAX} == {"fail"}


def test_what_is_no_report_or_no_ratchet(tmp_path):
    source, file = report(tmp_path / "r.json", result(1.0)), tmp_path / "k.json"
    file.write_text("[]")
    console = Console(file=io.StringIO())
    for bad in ((file, FILE), (source, file), (source, tmp_path / "none.json")):
        with pytest.raises(UsageError):
            command(*bad, console, update=False, reason="")
    with pytest.raises(UsageError, match="--update"):
        command(source, FILE, console, update=False, reason="why")


def test_a_file_that_knows_nothing_checks_nothing(tmp_path):
    source, file = report(tmp_path / "r.json", result(1.0)), tmp_path / "k.json"
    file.write_text(json.dumps({"platforms": {}}))
    console = Console(file=io.StringIO())
    assert command(source, file, console, update=False, reason="") == 1


def test_folder_and_file_are_named_as_in_other_commands(tmp_path):
    file = tmp_path / "k.json"
    file.write_text(json.dumps(holding(torch=1.0)))
    for source in (tmp_path, report(tmp_path / "report.json", result(1.5))):
        done = conformance(
            "ratchet", "--from", str(source), "--ratchet-file", str(file)
        )
        assert done.returncode == 0, done.stderr
        assert "1 worst errors of full runs hold" in done.stdout
    done = conformance("ratchet", "--from", str(tmp_path / "absent"))
    assert done.returncode == 2
    assert "--from: expected a report" in done.stderr


@pytest.mark.parametrize("size", ["full", "quick"])
def test_the_file_holds_our_implementations(size):
    stored = dict(ratchet.entries(ratchet.load(FILE), "cpu-x86_64", size))
    assert {key.impl for key in stored} == {"numpy", "torch", "jax"}
    assert {key.dtype for key in stored} == {
        "float64",
        "float32",
        "float16",
        "bfloat16",
    }
    assert max(stored.values()) > 1


def test_run_with_a_ratchet(tmp_path):
    asked = ("run", "--impl", "numpy", "--quick", "--out", str(tmp_path))
    done = conformance(*asked, "--ratchet")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].startswith("ratchet: ")
    kept = json.loads(FILE.read_text())
    name = "cpu-x86_64"
    kept["platforms"] = {HERE: kept["platforms"][name]}
    values = kept["platforms"][HERE]["quick"]["worst"]["numpy"]["sigmoid_focal_loss"]
    values = values["float64"]
    values["gradient"] = 0.1
    tight = tmp_path / "tight.json"
    tight.write_text(json.dumps(kept))
    done = conformance(*asked, "--ratchet-file", str(tight))
    assert done.returncode == 1
    assert "ratchet: numpy sigmoid_focal_loss float64 gradient" in done.stdout
    empty = tmp_path / "empty.json"
    empty.write_text(json.dumps({"platforms": {}}))
    done = conformance(*asked, "--ratchet-file", str(empty))
    assert done.returncode == 1
    assert "no ratchet of quick runs for this platform" in done.stdout
    done = conformance(*asked, "--ratchet-file", str(tmp_path / "absent.json"))
    assert done.returncode == 2
    assert "absent.json" in done.stderr
