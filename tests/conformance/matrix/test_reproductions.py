import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.matrix.known import load
from conformance.peers import LIBRARIES

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


@pytest.mark.parametrize("key", KNOWN, ids=lambda key: "-".join(key))
def test_a_reproduction_shows_what_was_observed(key, printed):
    one = KNOWN[key]
    if not one.applies(LIBRARIES[one.library].version):
        pytest.skip("seen in other versions")
    assert one.observed.theirs in printed[key]
    assert one.observed.specified != printed[key].strip()
