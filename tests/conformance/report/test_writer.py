import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from conformance import canaries, runner
from conformance.errors import UsageError
from conformance.plan import Options
from conformance.report import writer
from conformance.report.stream import read
from conformance.report.writer import KINDS, write_reports
from tests.conformance.report.made import FAIL, PASS, report

ROOT = Path(__file__).parents[3]
FILES = {
    "html": "index.html",
    "junit": "junit.xml",
    "badges": "badges/torch.svg",
    "summary": "summary.md",
}


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=100)


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_was_asked_for_is_written(kind, tmp_path, console):
    write_reports(report(tmp_path, [PASS]), [kind], console)
    found = {name: (tmp_path / file).exists() for name, file in FILES.items()}
    assert found == {name: name == kind for name in FILES}


def test_everything_is_written_by_default(tmp_path, console):
    write_reports(report(tmp_path, [PASS]), [], console)
    assert all((tmp_path / file).exists() for file in FILES.values())
    assert str(tmp_path / "index.html") in console.file.getvalue()


def test_step_summary_is_appended(tmp_path, console, monkeypatch):
    steps = tmp_path / "steps.md"
    steps.write_text("before\n")
    monkeypatch.setenv(writer.STEP_SUMMARY, str(steps))
    write_reports(report(tmp_path, [FAIL]), ["summary"], console)
    text = steps.read_text()
    assert text.startswith("before\n\n## ❌ DOES NOT CONFORM")
    write_reports(tmp_path, ["html"], console)
    assert steps.read_text() == text


def test_problems_are_said(tmp_path, console):
    (tmp_path / "prove.json").write_text("{")
    write_reports(tmp_path, ["junit"], console)
    assert "prove.json is no JSON" in console.file.getvalue().replace("\n", " ")


@pytest.mark.parametrize("which", ["DIR", "--outcome"])
def test_folder_that_is_none_is_one_line(which, tmp_path, console):
    absent = tmp_path / "absent"
    folders = (absent, None) if which == "DIR" else (tmp_path, absent)
    with pytest.raises(UsageError, match=f"{which}: expected a folder, got"):
        write_reports(folders[0], [], console, folders[1])


def test_run_writes_reports_after_it(tmp_path, console):
    options = Options(
        ("numpy",),
        ("accuracy",),
        "hard_example_mining/basic/*",
        out=tmp_path,
        reports=KINDS,
    )
    assert runner.run(options, console) == 0
    page = (tmp_path / "index.html").read_text()
    assert re.search("<h1>.*CONFORMS</h1>", page, re.DOTALL)
    assert (tmp_path / "badges" / "numpy.svg").exists()
    closing = read(tmp_path / "report.json").closing
    assert 0 < closing["seconds"] < 600


def test_interrupted_run_is_marked_so(tmp_path, console, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "evaluate", interrupted)
    options = Options(("numpy",), ("accuracy",), out=tmp_path, reports=KINDS)
    assert runner.run(options, console) == 130
    assert "INCOMPLETE" in (tmp_path / "summary.md").read_text()
    assert "interrupted" in (tmp_path / "junit.xml").read_text()


def test_blind_harness_is_said_everywhere(tmp_path, console, monkeypatch):
    monkeypatch.setattr(canaries, "ALL", canaries.ALL[:1])
    options = Options(("numpy",), ("accuracy",), out=tmp_path, reports=KINDS)
    assert runner.run(options, console) == 2
    assert "NOT TRUSTED</h1>" in (tmp_path / "index.html").read_text()
    assert "❌ NOT TRUSTED" in (tmp_path / "summary.md").read_text()
    assert "the harness does not see" in (tmp_path / "junit.xml").read_text()
    assert "no data" in (tmp_path / "badges" / "numpy.svg").read_text()


def test_command_imports_no_framework(tmp_path):
    report(tmp_path, [PASS, FAIL])
    code = (
        "import sys\n"
        f"sys.argv = ['conformance', 'report', {str(tmp_path)!r}]\n"
        "from conformance.__main__ import main\n"
        "try:\n    main()\n"
        "except SystemExit as error:\n    print(error.code)\n"
        "print([m for m in ('torch', 'jax', 'sklearn', 'matplotlib') "
        "if m in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={k: v for k, v in os.environ.items() if k != writer.STEP_SUMMARY},
    )
    assert done.stdout.splitlines()[-2:] == ["0", "[]"], done.stderr
    assert (tmp_path / "index.html").exists()
