import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLANTED = "py:tests.conformance.planted"


def conformance(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "conformance", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def test_run_in_a_pipe(tmp_path):
    out = str(tmp_path)
    done = conformance("run", "--impl", "numpy", "--quick", "--out", out)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", done.stdout)
    assert done.stdout.splitlines()[-1].startswith("CONFORMS: numpy")
    assert json.loads((tmp_path / "report.json").read_text())["counts"]


@pytest.mark.parametrize(("name", "status"), [("wrong", 1), ("broken", 2)])
def test_status_tells_deviation_from_fault(name, status, tmp_path):
    impl = f"{PLANTED}:{name}"
    done = conformance("run", "--impl", impl, "--quick", "--out", str(tmp_path))
    assert done.returncode == status
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "phrases"),
    [
        (("run", "--impl", "keras"), ("--impl", "py:package.module", "'keras'")),
        (("run", "--impl", ","), ("--impl", "at least one name")),
        (("run", "--impl", f"{PLANTED}:absent"), ("--impl", "no absent")),
        (("run", "--impl", f"{PLANTED}:not_an_adapter"), ("--impl", "start, eval")),
        (("run", "--profile", "speed"), ("--profile", "accuracy", "'speed'")),
        (("run", "--device", "tpu"), ("--device", "cpu, cuda", "'tpu'")),
        (("run", "--impl", "numpy", "--device", "cuda"), ("--device", "numpy")),
        (("run", "--impl", "numpy", "--out", "/dev/null"), ("--out", "/dev/null")),
        (("compare", "--backends", "keras"), ("--backends", "numpy", "'keras'")),
        (("compare", "none"), ("RECIPE", "'none'", "pos_weight")),
        (("compare", "--seeds", "0"), ("--seeds", ">= 1", "0")),
        (("repro", "no#id", "--impl", "torch"), ("ID", "'no#id'", "closest")),
        (("vectors", "--check", "--write"), ("--check", "--write")),
    ],
)
def test_usage_is_explained_without_traceback(arguments, phrases):
    done = conformance(*arguments)
    assert done.returncode == 2, done.stdout
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for phrase in phrases:
        assert phrase in done.stderr


def test_unknown_option_and_missing_argument():
    assert conformance("run", "--fast").returncode == 2
    assert conformance("repro", "some#id").returncode == 2


def test_every_implementation_that_is_named_is_asked(tmp_path):
    """The last one alone would hide what the others do."""
    options = ["--quick", "--select", "*/basic/*", "--out", str(tmp_path)]
    named = ["--impl", f"{PLANTED}:wrong", "--impl", "numpy"]
    done = conformance("run", *named, *options)
    assert done.returncode == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["header"]["options"]["impl"] == [f"{PLANTED}:wrong", "numpy"]


def test_output_without_unicode_does_not_end_a_run(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    options = ["--impl", "numpy", "--quick", "--out", str(tmp_path)]
    done = conformance("run", *options, env=environment)
    assert done.returncode == 0, done.stderr
    assert "u?K" in done.stdout


def test_report_of_nothing_writes_nothing(tmp_path):
    done = conformance("report", str(tmp_path))
    assert done.returncode == 2
    assert "expected report.json" in done.stderr
    assert not [*tmp_path.iterdir()]


def test_selecting_nothing_is_not_a_pass(tmp_path):
    done = conformance("run", "--select", "nothing", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "--select" in done.stdout


def test_reader_that_goes_away(tmp_path):
    command = [sys.executable, "-m", "conformance", "run", "--impl", "numpy"]
    command += ["--quick", "--out", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        errors = process.stderr.read().decode()
    assert "Traceback" not in errors
    assert "BrokenPipe" not in errors
    assert process.returncode == 1
    json.loads((tmp_path / "report.json").read_text())


def test_help_is_quick_to_import():
    script = (
        "import sys, conformance.cli\n"
        "heavy = {'torch', 'jax', 'sklearn', 'matplotlib', 'mpmath'} & {*sys.modules}\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == 0
    shown = conformance("--help", env={**os.environ, "COLUMNS": "100"})
    assert shown.returncode == 0
    for command in ("run", "compare", "repro", "vectors"):
        assert command in shown.stdout


def test_frameworks_that_are_not_asked_for_are_not_loaded(tmp_path):
    arguments = ["run", "--impl", "numpy", "--quick", "--out", str(tmp_path)]
    script = (
        "import sys\n"
        "from conformance.cli import main\n"
        f"sys.argv[1:] = {arguments}\n"
        "try:\n    main()\n"
        "except SystemExit as exit:\n"
        "    sys.exit(str({'torch', 'jax'} & {*sys.modules} or '') or exit.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("start", "missing"),
    [
        ("runpy.run_module('conformance', run_name='__main__')", "typer"),
        ("from conformance.__main__ import main; main()", "rich"),
    ],
)
def test_missing_package_is_one_line(start, missing):
    script = f"import runpy, sys; sys.modules[{missing!r}] = None; {start}"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    needs = "conformance needs the packages of equipoise[conformance]: missing "
    assert done.stderr == f"{needs}{missing}\n"


def test_missing_module_of_our_own_is_a_fault():
    script = (
        "import sys; sys.modules['conformance.cli'] = None\n"
        "from conformance.__main__ import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == 1
    assert b"Traceback" in done.stderr
