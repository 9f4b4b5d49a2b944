import os
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conformance.adapters import Errored, Outputs, Request, resolve
from conformance.adapters.exec_runtime import TIMEOUT_VARIABLE, ExecAdapter
from conformance.adapters.remote import Remote, one_worker
from conformance.errors import UsageError

FAULTY = Path(__file__).parent / "ports" / "faulty.py"
INPUTS = {"logits": np.array([0.5]), "labels": np.array([1.0])}
ONE = Request("binary_cross_entropy_with_logits", INPUTS, want=("value",))


def named(mode):
    return f"exec:{shlex.join([sys.executable, '-S', str(FAULTY), mode])}"


def children(pid):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def ended(pid):
    limit = time.monotonic() + 5
    while time.monotonic() < limit:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


@pytest.fixture
def crew():
    crew = one_worker()
    yield crew
    crew.dismiss()


def test_program_answers_from_a_worker(crew):
    assert isinstance(Remote(named("good"), crew).eval(ONE), Outputs)


@pytest.mark.skipif(not shutil.which("setpriv"), reason="only Linux can do this")
def test_program_that_hangs_ends_with_its_worker(crew):
    # It waits for its input no more, so only the death of its parent tells it.
    assert isinstance(Remote(named("good"), crew).eval(ONE), Outputs)
    (worker,) = crew.pids()
    (program,) = children(worker)
    os.kill(program, signal.SIGSTOP)
    os.kill(worker, signal.SIGKILL)
    assert ended(program)


def test_timeout_travels_to_the_worker(crew, monkeypatch):
    monkeypatch.setenv(TIMEOUT_VARIABLE, "1")
    answer = Remote(named("hang"), crew).eval(ONE)
    assert isinstance(answer, Errored)
    assert answer.message.startswith("no answer in 1 s")


def test_program_that_does_not_start_in_a_worker_is_asked_once(crew):
    remote = Remote(named("crash_at_start"), crew)
    answers = [remote.eval(ONE) for _ in range(2)]
    assert answers[0] == answers[1]
    assert isinstance(answers[0], Errored)
    assert answers[0].kind == "adapter: NotStarted"
    assert "status 7" in answers[0].message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exec:", "expected exec:program"),
        ("exec:./no-such-program", "expected a program, got './no-such-program'"),
        (f"exec:{FAULTY}", "expected a file that may be executed"),
        ("exec:'unclosed", "cannot be split"),
    ],
)
def test_program_that_is_not_there(name, words):
    with pytest.raises(UsageError) as raised:
        resolve(name)
    assert words in str(raised.value)


def test_program_is_found_with_its_arguments(monkeypatch):
    monkeypatch.chdir(FAULTY.parent)
    adapter = resolve(f"exec:'{sys.executable}' -S faulty.py good")
    assert isinstance(adapter, ExecAdapter)
    try:
        assert adapter.start().name == "faulty"
    finally:
        adapter.stop()
