"""Every snippet of the README runs as it stands."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


def _run(*command, cwd, status=0):
    result = subprocess.run(
        command,
        cwd=cwd,
        env={"PYTHONPATH": f"{ROOT}:{cwd}", "PATH": "/usr/bin:/bin", "HOME": str(cwd)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == status, result.stdout + result.stderr
    return result.stdout


def test_there_is_a_snippet_for_every_use():
    assert len(SNIPPETS) >= 4


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_snippet_runs(snippet, tmp_path):
    (tmp_path / "conformance").symlink_to(ROOT / "conformance")
    (tmp_path / "snippet.py").write_text(snippet, encoding="utf-8")
    printed = _run(sys.executable, "snippet.py", cwd=tmp_path)
    expected = re.findall(r"# prints (.*)", snippet)
    assert printed.splitlines() == expected


def test_own_implementation_is_judged(tmp_path):
    (adapter,) = (s for s in SNIPPETS if "from_functions" in s)
    (tmp_path / "my_losses.py").write_text(adapter, encoding="utf-8")
    (command,) = re.findall(r"^conformance (run --impl py:my_losses.*)$", README, re.M)
    options = [*shlex.split(command), "--out", str(tmp_path / "report")]
    command = [sys.executable, "-m", "conformance", *options]
    printed = _run(*command, cwd=tmp_path, status=1)
    assert "DOES NOT CONFORM" in printed
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    ids = [f["id"] for r in report["results"] for f in r["failures"]]
    assert any("y=1;x=17#" in point for point in ids)


def test_files_are_examined(tmp_path):
    (snippet,) = (s for s in SNIPPETS if "validation.npz" in s)
    _run(sys.executable, "-c", snippet, cwd=tmp_path)
    commands = re.findall(r"^conformance ((?:doctor|metrics) .*)$", README, re.M)
    printed = [
        _run(
            *(sys.executable, "-m", "conformance"),
            *shlex.split(command, comments=True),
            cwd=tmp_path,
            status=int(command.startswith("doctor")),
        )
        for command in commands
    ]
    (seen,) = re.findall(r"The first command exits 1: \*(.*?)\*", README, re.S)
    assert " ".join(seen.split()) in " ".join(printed[0].split())
    assert '"undeclared-inversion"' in printed[1]
    for name in ("doctor.html", "reliability.png"):
        assert (tmp_path / "report" / name).exists()


@pytest.mark.parametrize("goal", ["conformance", "test"])
def test_the_two_commands_exist(goal):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"make {goal}" in README
    assert re.search(rf"^{goal}:", makefile, re.M)


SIGNS = {"held": "●", "lost": "○"}
NONE = "\N{EN DASH}"
COLUMNS = (
    "binary_cross_entropy_with_logits",
    "binary_cross_entropy",
    "cross_entropy",
    "sigmoid_focal_loss",
    "softmax_focal_loss",
)


def _signs(library, operation):
    found = library["operations"].get(operation)
    if found is None:
        return NONE
    apart = found["set_apart"]
    return "".join(
        "◐" if state == "held" and apart[level] else SIGNS[state]
        for level, state in found["levels"].items()
        if level in apart
    )


def test_table_of_libraries_is_that_of_the_record():
    record = json.loads((ROOT / "conformance/records/cpu-matrix.json").read_text())
    rows = re.findall(rf"^\|[^|]*\| ([●○◐{NONE}| ]+) \|$", README, re.M)
    installed = [one for one in record["libraries"] if one["installed"]]
    expected = [" | ".join(_signs(one, op) for op in COLUMNS) for one in installed]
    assert rows == expected
    assert record["unlisted"] == record["problems"] == []
    found = [one for one in record["deviations"] if one["status"] == "reproduced"]
    assert f"{len(found)} of them reproduce" in README


def test_kill_matrix_is_that_of_the_record():
    record = json.loads((ROOT / "conformance/records/cpu-prove.json").read_text())
    kinds = [one["kind"] for one in record["mutants"]]
    right = [one["right"] for one in record["mutants"]]
    assert all(right)
    for kind in ("fault", "control", "harness"):
        assert f"| {kinds.count(kind)} | each" in README
