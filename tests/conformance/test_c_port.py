import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conformance import vectors
from conformance.adapters import Outputs, Request, resolve
from conformance.levels import LEVELS, standings
from conformance.registry import OPERATIONS
from conformance.report.stream import read

ROOT = Path(__file__).parents[2]
SOURCES = Path(__file__).parent / "ports" / "c"
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2")
THREE = ("binary_cross_entropy_with_logits", "sigmoid_focal_loss", "cross_entropy")

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler here")


def compiled(sources, program):
    files = sorted(map(str, sources.glob("*.c")))
    command = ["cc", *STRICT, "-o", str(program), *files, "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture(scope="session")
def port(tmp_path_factory):
    return compiled(SOURCES, tmp_path_factory.mktemp("port") / "port")


def run(program, out, *options):
    command = [sys.executable, "-m", "conformance", "run", "--impl", f"exec:{program}"]
    done = subprocess.run(
        [*command, *options, "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    report = json.loads((out / "report.json").read_text())
    return done, report["results"]


def levels_of(out):
    """Levels by operation, of a run that asked everything."""
    stored = read(out / "report.json")
    found = standings(stored.results, stored.header["options"]["profile"])
    return {operation: one.levels for (_, operation), one in found.items()}


def test_port_conforms_throughout(port, tmp_path):
    done, results = run(port, tmp_path)
    assert done.returncode == 0, done.stdout
    levels = levels_of(tmp_path)
    assert set(levels) >= set(THREE)
    for operation in THREE:
        held = [levels[operation][level] for level in LEVELS[:3]]
        assert held == ["held"] * 3, operation
    own = [r for r in results if r["operation"] in THREE]
    assert {r["status"] for r in own} == {"pass", "skipped"}
    asked = {r["profile"] for r in own if r["status"] == "pass"}
    assert asked >= {
        "accuracy", "gradients", "reductions", "semantics", "bad_input",
        "determinism", "distributed",
    }  # fmt: skip
    for operation in THREE:
        judged = {
            r["output"].removeprefix("grad_")
            for r in own
            if r["operation"] == operation and r["output"].startswith("grad_")
        }
        assert judged == set(OPERATIONS[operation].array_arguments)
    # What was not asked was so for want of words, and of nothing else.
    reasons = {r["reason"] for r in own if r["status"] == "skipped"}
    words = ("no words for", "its arguments are copies")
    assert all(reason.startswith(words) for reason in reasons)


def test_points_are_answered_fast(port):
    n = 24_000
    x = np.resize(np.linspace(-40, 40, 977), n)
    y = np.resize([0.0, 1.0, 0.25], n)
    adapter = resolve(f"exec:{port}")
    adapter.start()
    try:
        began = time.monotonic()
        for part in np.split(np.arange(n), 24):
            inputs = {"logits": x[part], "labels": y[part]}
            want = ("value", "grad_logits", "grad_labels")
            assert isinstance(
                adapter.eval(Request(THREE[1], inputs, want=want)), Outputs
            )
        assert time.monotonic() - began < 5
    finally:
        adapter.stop()


# File, what stands there, what the fault makes of it, where to look, what must show,
# and the clause that it departs from.
FAULTS = {
    "alpha swapped": (
        "focal.c",
        "return e->y * e->on + (1 - e->y) * e->off;",
        "return e->y * e->off + (1 - e->y) * e->on;",
        "sigmoid_focal_loss/basic/*",
        "alpha=0.25",
        "FOC-1",
    ),
    "gradient that cancels": (
        "bce.c",
        "return times(e->v, off(e) * sigmoid(e->x) - e->w * on(e) * sigmoid(-e->x));",
        "return times(e->v, sigmoid(e->x) - e->y);",
        "binary_cross_entropy_with_logits/saturation/default",
        "y=1;x=",
        "BCE-2",
    ),
    "mean of kept examples": (
        "classes.c",
        "each[i] = call->count ? call->kept : sum(call->work, call->classes, 1);",
        "each[i] = call->kept;",
        "cross_entropy/reduction/*",
        r"class_weights=\(1,2,5\)",
        "CE-4",
    ),
    "ignored index counted": (
        "classes.c",
        "call->kept = !call->by_index || index != call->ignore_index;",
        "call->kept = 1;",
        "cross_entropy/ignore/*",
        "cross_entropy/ignore/",
        "CE-5",
    ),
    "softplus with a threshold": (
        "numbers.c",
        "return (v > 0 ? v : 0) + log1p(exp(-fabs(v)));",
        "return v > 20 ? v : log1p(exp(v));",
        "binary_cross_entropy_with_logits/cancellation/*",
        r"x=-?2\d",
        "BCE-1",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_planted_fault_is_named(name, tmp_path):
    file, right, wrong, select, where, clause = FAULTS[name]
    sources = tmp_path / "sources"
    shutil.copytree(SOURCES, sources)
    text = (sources / file).read_text()
    assert text.count(right) == 1
    (sources / file).write_text(text.replace(right, wrong))
    program = compiled(sources, tmp_path / "port")
    done, results = run(program, tmp_path / "out", "--select", select)
    assert done.returncode == 1, done.stdout
    failed = [f["id"] for r in results for f in r["failures"]]
    assert failed
    assert all(re.search(where, point) for point in failed), failed
    assert failed[0] in done.stdout
    assert f"--impl exec:{program}" in done.stdout
    assert re.search(rf"from (clause )?{clause}\b", done.stdout)
    # The most specific clause comes first, and is one of the operation.
    first = {r["clauses"][0] for r in results if r["failures"]}
    assert clause in first
    assert {one.partition("-")[0] for one in first} == {clause.partition("-")[0]}


def test_case_is_reproduced_through_the_program(port):
    (group,) = (
        g
        for g in vectors.load(THREE[0]).groups
        if g.path == f"{THREE[0]}/saturation/default"
    )
    i = int(np.argmax(group.inputs["logits"]))
    again = [sys.executable, "-m", "conformance", "repro", group.ids[i]]
    script = subprocess.check_output([*again, "--impl", f"exec:{port}"], cwd=ROOT)
    shown = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True)
    answer, expected = shown.splitlines()
    assert answer.startswith("Outputs(")
    assert expected.startswith("expected")
    assert repr(float(group.expected["grad_logits"].hi[i])) in expected


def test_port_reads_what_it_does_not_know(port):
    asked = (
        '{"id":1,"new":{"a":[1,"b"],"c":{}},"message":"start","protocol":"1.0"}\n'
        '{"id":2,"message":"eval","operation":"none","want":[],"arguments":[]}\n'
        '{"id":3,"message":"stop"}\n{"id":4,"message":"start"}\n'
    )
    done = subprocess.run(
        [port], input=asked, capture_output=True, text=True, check=True
    )
    first, second = map(json.loads, done.stdout.splitlines())
    assert (first["id"], first["message"]) == (1, "capabilities")
    assert (second["id"], second["message"]) == (2, "not_implemented")


def test_porting_guide_shows_what_happens(tmp_path):
    guide = (ROOT / "conformance/spec/1.0/porting.md").read_text()
    form = r"^```sh\n(cc .*?)```\n\n```json\n(.*?)```"
    ((commands, shown),) = re.findall(form, guide, re.S | re.M)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    done = subprocess.check_output(["sh", "-ec", commands], cwd=tmp_path, text=True)
    assert done == shown
