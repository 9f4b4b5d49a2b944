import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HERE = "torch,torchvision,torchvision-formula,kornia,monai"


def conformance(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    out = tmp_path_factory.mktemp("matrix")
    done = conformance("matrix", "--libraries", HERE, "--out", str(out))
    return done, json.loads((out / "matrix.json").read_text())


def test_libraries_are_as_listed(full):
    done, report = full
    assert done.returncode == 0, done.stdout[-2000:]
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1].startswith("AS LISTED")
    assert report["unlisted"] == report["problems"] == []
    statuses = {one["status"] for one in report["deviations"]}
    assert statuses <= {"reproduced", "not installed"}


def test_the_report_says_what_was_compared(full):
    _, report = full
    assert report["header"]["spec"]
    libraries = {one["name"]: one for one in report["libraries"]}
    assert list(libraries) == HERE.split(",")
    assert libraries["torch"]["version"].startswith(
        report["header"]["versions"]["torch"][:3]
    )
    for library in libraries.values():
        assert bool(library["operations"]) == library["installed"]
        for operation in library["operations"].values():
            assert operation["compared"] > 5000
            assert set(operation["levels"]) == {"L0", "L1", "L2"}
            for level, state in operation["levels"].items():
                assert (state == "lost") == (operation["failed"][level] > 0)
    focal = libraries["kornia"]["operations"]["sigmoid_focal_loss"]
    assert focal["levels"]["L0"] == focal["levels"]["L1"] == "held"
    assert focal["set_apart"]["L0"] > 100
    assert (
        libraries["torchvision-formula"]["operations"]["sigmoid_focal_loss"]["levels"][
            "L1"
        ]
        == "lost"
    )


def test_a_quick_run_of_one_library(tmp_path):
    arguments = ("--libraries", "torchvision-formula", "--quick", "--table")
    done = conformance("matrix", *arguments, "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "deviates from clause FOC-2" in done.stdout
    assert "| torchvision-formula 0.29 | `sigmoid_focal_loss` |" in done.stdout


def test_unknown_library_is_wrong_usage():
    done = conformance("matrix", "--libraries", "torch,caffe")
    assert done.returncode == 2
    assert "--libraries" in done.stderr
    assert "'caffe'" in done.stderr
    assert "Traceback" not in done.stderr
