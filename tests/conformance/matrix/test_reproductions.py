import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.matrix.known import load
from conformance.peers import LIBRARIES
from tests.conformance.matrix.stated import reference

ROOT = Path(__file__).parents[3]
# Runs every script of its standard input by itself, and says what each printed.
RUNNER = """
import contextlib, io, json, sys
printed = []
for script in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        exec(script, {})
    printed.append(text.getvalue())
print(json.dumps(printed))
"""
KNOWN = {
    (one.library.split("-formula")[0], one.id): one
    for one in load()
    if LIBRARIES[one.library].installed
}


def number(text):
    try:
        return float(text)
    except ValueError:
        return None


def stated():
    """Operations and observations of entries whose specified result is a number."""
    found = {}
    for one in load():
        if number(one.observed.specified) is not None:
            key = one.library.split("-formula")[0], one.id
            operations, _ = found.setdefault(key, (set(), one.observed))
            operations.add(one.operation)
    return found


STATED = stated()


@pytest.fixture(scope="module")
def printed():
    """What each reproduction prints; keras has a process for each backend."""
    shared = {}
    for key, one in KNOWN.items():
        library = LIBRARIES[one.library]
        shared.setdefault(library.keras or "shared", []).append(key)
    found = {}
    for backend, keys in shared.items():
        done = subprocess.run(
            [sys.executable, "-c", RUNNER],
            input=json.dumps([KNOWN[key].reproduction for key in keys]),
            env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        texts = json.loads(done.stdout.splitlines()[-1])
        found.update(zip(keys, texts, strict=True))
    return found


def same(stated, printed, rel=1e-6):
    """Whether the last line of what was printed is what an entry states."""
    last = printed.strip().splitlines()[-1]
    left, right = number(stated), number(last)
    if left is None or right is None:
        return stated == last
    both = math.isnan(left) and math.isnan(right)
    return both or math.isclose(left, right, rel_tol=rel)


def digits(text):
    return len(re.sub(r"e.*|[-.]", "", text).lstrip("0")) or 1


@pytest.mark.parametrize(
    ("stated", "printed", "right"),
    [
        ("0.0", "-0.0024\n", False),
        ("0.0", "10.05\n", False),
        ("0.0", "-0.0\n", True),
        ("nan", "nan\n", True),
        ("nan", "0.0\n", False),
        ("0.0", "nan\n", False),
        ("RuntimeError", "warned\nRuntimeError\n", True),
        ("RuntimeError", "a RuntimeError\n", False),
        ("-4.1399375e-08", "-4.1399374e-08", True),
        ("-4.1399375e-08", "-4.14e-08", False),
        ("inf", "inf", True),
        ("inf", "1e30", False),
    ],
)
def test_what_is_the_same(stated, printed, right):
    assert same(stated, printed) == right


@pytest.mark.parametrize("key", KNOWN, ids=lambda key: "-".join(key))
def test_a_reproduction_shows_what_was_observed(key, printed):
    one = KNOWN[key]
    if not one.applies(LIBRARIES[one.library].version):
        pytest.skip("seen in other versions")
    assert same(one.observed.theirs, printed[key]), printed[key]
    # Of what is computed in float32 the difference is small.
    assert not same(one.observed.specified, printed[key], 1e-10)


@pytest.mark.parametrize("key", STATED, ids=lambda key: "-".join(key))
def test_what_is_specified_is_what_the_reference_gives(key):
    operations, observed = STATED[key]
    stated = number(observed.specified)
    found = reference(observed.input, operations)
    # As many digits as are written, the last of which may be cut off.
    last = 10.0 ** (1 - digits(observed.specified))
    assert found == pytest.approx(stated, rel=1.01 * last, abs=0, nan_ok=True)


def test_most_entries_state_a_number():
    assert len(STATED) > len({(one.library, one.id) for one in load()}) / 2
