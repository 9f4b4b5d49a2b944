import json
import re
import subprocess
import sys
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from conformance.bench import run
from conformance.bench.growth import series, slope
from conformance.bench.plan import Options

ROOT = Path(__file__).parents[3]


def conformance(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "conformance", "bench", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def options(tmp_path):
    return Options("cpu", (64, 128), ("float32",), "bce/*/N=*", 9, False, tmp_path)


@pytest.fixture
def without_compiling(monkeypatch):
    """Leaves out what takes seconds to compile."""
    monkeypatch.setattr("conformance.bench.run.FRAMEWORKS", ("jax",))
    monkeypatch.setattr("conformance.bench.run.LARGE", {"cpu": 2**16})


@pytest.fixture
def console():
    return Console(file=StringIO(), width=100)


def test_a_run_in_a_pipe(tmp_path):
    chosen = ("--sizes", "64", "--dtypes", "float32", "--repeats", "9")
    done = conformance(*chosen, "--select", "focal/*/N=*", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", done.stdout)
    for phrase in ("equipoise torch compiled", "optax jax jit", "time / ours"):
        assert phrase in done.stdout
    record = json.loads((tmp_path / "bench.json").read_text())
    (cell,) = record["cells"].values()
    assert {found["status"] for found in cell["contenders"]} == {"measured"}
    assert record["header"]["threads"]["torch"] == record["header"]["threads"]["cores"]


@pytest.mark.usefixtures("without_compiling")
def test_record(options, console):
    assert run.bench(options, console) == 0
    record = json.loads((options.out / "bench.json").read_text())
    assert set(record) == {"header", "interrupted", "cells", "bars"}
    for key in ("versions", "device", "precision", "threads", "libraries", "load"):
        assert record["header"][key]
    assert record["header"]["copy"]["gb_per_s"] > 0
    assert list(record["cells"]) == ["bce/float32/N=64", "bce/float32/N=128"]
    for cell in record["cells"].values():
        assert cell["floor_seconds"]["median"] > 0
        for found in cell["contenders"]:
            assert len(found["samples"]) == 9
            assert found["peak_inputs"] >= 1
    assert (options.out / "bench.png").stat().st_size > 10_000
    assert {path.suffix for path in options.out.iterdir()} == {".json", ".png"}


@pytest.mark.usefixtures("without_compiling")
def test_interruption_keeps_what_was_found(options, console, monkeypatch):
    work = run._work

    def interrupted(*arguments):
        first, *_ = work(*arguments)

        def press():
            written = json.loads((options.out / "bench.json").read_text())
            assert list(written["cells"]) == [first[0]]
            raise KeyboardInterrupt

        return [first, ("second", press)]

    monkeypatch.setattr(run, "_work", interrupted)
    assert run.bench(options, console) == 130
    record = json.loads((options.out / "bench.json").read_text())
    assert record["interrupted"]
    assert console.file.getvalue().endswith("interrupted with 1 of 2 cells\n")
    assert list(record["cells"]) == ["bce/float32/N=64"]
    assert record["bars"]


@pytest.mark.usefixtures("without_compiling")
def test_without_matplotlib_there_is_json(options, console, monkeypatch):
    monkeypatch.delitem(sys.modules, "conformance.bench.plot", raising=False)
    monkeypatch.setitem(sys.modules, "matplotlib.axes", None)
    assert run.bench(options, console) == 0
    assert [path.name for path in options.out.iterdir()] == ["bench.json"]
    assert "no plot: matplotlib" in console.file.getvalue()


@pytest.mark.parametrize(
    ("arguments", "phrases"),
    [
        (("--device", "tpu"), ("--device", "cpu, cuda", "'tpu'")),
        (("--sizes", "2^10,big"), ("--sizes", "2^14", "'2^10,big'")),
        (("--sizes", "0"), ("--sizes", "'0'")),
        (("--sizes", "2^40"), ("--sizes", "up to 2^31", "'2^40'")),
        (("--sizes", "2^12..2^10"), ("--sizes", "rising", "'2^12..2^10'")),
        (("--dtypes", "float64"), ("--dtypes", "float32 or bfloat16", "'float64'")),
        (("--repeats", "3"), ("--repeats", ">= 9", "3")),
        (("--select", "nothing"), ("--select", "'nothing'")),
        (("--quick", "--out", "/dev/null"), ("--out", "/dev/null")),
    ],
)
def test_usage_is_explained(arguments, phrases, capsys, monkeypatch):
    from conformance.cli import main

    monkeypatch.setattr(sys, "argv", ["conformance", "bench", *arguments])
    with pytest.raises(SystemExit) as exit_:
        main()
    shown = capsys.readouterr()
    assert exit_.value.code == 2
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    for phrase in phrases:
        assert phrase in shown.err


@pytest.mark.parametrize("framework", ["torch", "jax"])
def test_no_gpu_is_explained(framework, options, console, monkeypatch):
    from conformance.errors import UsageError

    def absent(_framework, _device):
        raise RuntimeError("no such device")

    monkeypatch.setattr(run, "FRAMEWORKS", (framework,))
    monkeypatch.setattr(run, "runtime", absent)
    with pytest.raises(UsageError, match=f"--device: {framework} finds no cuda"):
        run.bench(replace(options, device="cuda"), console)


def cell(size, **seconds):
    contenders = [
        {"name": name} if s is None else {"name": name, "seconds": {"median": s}}
        for name, s in seconds.items()
    ]
    return {"contenders": contenders, "floor_seconds": {"median": size * 1e-9}}


def test_growth():
    cells = {
        "bce/float32/N=10": cell(10, a=1.0, b=3.0),
        "bce/float32/N=100": cell(100, a=10.0, b=None),
        "bce/float32/N=1000": cell(1000, a=1000.0, b=3.0, c=1.0),
        "training/torch": {"training": "recipe"},
    }
    (line,) = series(cells)
    assert (line.loss, line.dtype, line.axis) == ("bce", "float32", "N")
    assert line.at == [10, 100, 1000]
    assert line.seconds["b"] == [3.0, None, 3.0]
    assert line.seconds["c"] == [None, None, 1.0]
    assert slope(line.at, line.seconds["a"]) == pytest.approx(2.0)
    assert slope(line.at, line.seconds["b"]) == 0.0
    assert slope(line.at, line.seconds["c"]) is None
