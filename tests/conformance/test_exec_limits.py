"""However much a port says, little of it reaches a report."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conformance.adapters import Errored, Request
from conformance.adapters.exec_process import FaultError
from conformance.adapters.exec_runtime import ExecAdapter

ROOT = Path(__file__).parents[2]
FAULTY = Path(__file__).parent / "ports" / "faulty.py"
INPUTS = {"logits": np.array([0.5]), "labels": np.array([1.0])}
ONE = Request("binary_cross_entropy_with_logits", INPUTS, want=("value",))
# Beside the reason itself, of which 300 characters are kept.
SHORT = 400


@pytest.fixture
def faulty():
    made = []

    def make(mode):
        made.append(ExecAdapter([sys.executable, "-S", str(FAULTY), mode]))
        return made[-1]

    yield make
    for adapter in made:
        adapter.stop()


# What a port sends a megabyte of, and what is said about it.
LONG = {
    "long_kind": "kind: expected plain text of at most 100 characters, got 1000000",
    "long_message": "expected the message 'outputs', 'skipped', 'not_implemented'",
    "long_id": "expected an answer with id 2, got id 'AAAA",
    "long_name": "name: expected plain text of at most 100 characters",
    "long_dtype": "value: expected a dtype of float64, float32",
    "long_data": "expected 16 hexadecimal digits for each of 1 numbers",
    "long_missing": "missing: expected plain text of at most 100 characters",
    "long_key": "stands twice",
    "many_names": "expected the output value, or its name in 'missing', got a0, a1",
}


@pytest.mark.parametrize("mode", LONG)
def test_long_words_are_cut(mode, faulty):
    adapter = faulty(mode)
    adapter.start()
    answer = adapter.eval(ONE)
    assert isinstance(answer, Errored)
    assert answer.kind == "adapter: ProtocolError"
    assert LONG[mode] in answer.message
    assert len(answer.message) < SHORT
    assert answer.message.isprintable()


def test_of_a_long_reason_the_beginning_is_kept(faulty):
    adapter = faulty("long_reason")
    adapter.start()
    assert adapter.eval(ONE) == Errored("ValueError", "A" * 300)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("claims_long_name", "name: expected plain text of at most 100 characters"),
        ("claims_long_version", "version: expected plain text of at most 100"),
        ("claims_long_operation", "operations: expected plain text of at most 100"),
        ("claims_long_dtype", "dtypes: expected plain text of at most 100"),
        ("claims_long_protocol", "protocol: expected plain text of at most 100"),
        ("claims_twice", "dtypes: expected 'float64' once, got it twice"),
        ("answers_long", "expected the message 'capabilities', got 'AAAA"),
    ],
)
def test_long_claims_are_refused(mode, words, faulty):
    with pytest.raises(FaultError) as raised:
        faulty(mode).start()
    assert words in str(raised.value)
    assert len(str(raised.value)) < SHORT


# Shapes that no array has.
SHAPES = {
    "many_axes": "value: expected a shape of at most 8 sizes, got 100",
    "huge_axes": "value: expected a shape of at most 8 sizes, got 2000",
    "more_axes_than_time": "value: expected a shape of at most 8 sizes, got 60000",
    "huge_beside_zero": "value: expected a shape of fewer than 2**48 numbers",
    "long_size": "value: expected a shape of fewer than 2**48 numbers, got [1000",
}


@pytest.mark.parametrize("mode", SHAPES)
def test_shape_without_bounds_is_the_mistake_of_the_port(mode, faulty):
    adapter = faulty(mode)
    adapter.start()
    began = time.monotonic()
    answer = adapter.eval(ONE)
    assert time.monotonic() - began < 2
    assert isinstance(answer, Errored)
    assert answer.kind == "adapter: ProtocolError"
    assert SHAPES[mode] in answer.message
    assert len(answer.message) < SHORT


def test_key_among_many_is_found_at_once(faulty):
    adapter = faulty("many_keys")
    adapter.start()
    began = time.monotonic()
    answer = adapter.eval(ONE)
    assert time.monotonic() - began < 5
    assert isinstance(answer, Errored)
    assert "the key 'id' stands twice" in answer.message


@pytest.mark.parametrize("mode", ["long_kind", "long_reason", "many_names"])
def test_megabytes_of_words_leave_a_small_report(mode, tmp_path):
    command = f"exec:{sys.executable} -S {FAULTY} {mode}"
    options = ("--quick", "--profile", "accuracy", "--out", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "conformance", "run", "--impl", command, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 2, done.stdout + done.stderr
    report = tmp_path / "report.json"
    results = json.loads(report.read_text())["results"]
    assert [r for r in results if r["status"] == "errored"]
    assert report.stat().st_size < 2000 * len(results) + 100_000
    assert len(done.stdout) < 20_000
