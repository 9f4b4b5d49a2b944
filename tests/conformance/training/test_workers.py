import os
import signal
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import pytest

from conformance.errors import UsageError
from conformance.training.workers import default_workers, make_workers
from tests.conformance.training import made_tasks
from tests.conformance.training.made_tasks import Task

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=[1, 2])
def workers(request):
    with make_workers(request.param) as made:
        yield made


def test_everything_is_computed_once(workers):
    waiting = [Task(f"square/{n}", n) for n in range(5)]
    results = {}
    while waiting or len(results) < 5:
        if waiting and workers.free:
            workers.start(waiting.pop())
        else:
            task, result = workers.wait()
            assert task.name not in results
            results[task.name] = result
    assert {k: r["square"] for k, r in results.items()} == {
        f"square/{n}": n**2 for n in range(5)
    }
    assert all(result["seconds"] >= 0.0 for result in results.values())


def test_one_worker_is_this_process():
    with make_workers(1) as workers:
        workers.start(Task("square"))
        assert workers.wait()[1]["pid"] == os.getpid()


def test_two_compute_at_the_same_time_on_one_thread_each(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    with make_workers(2) as workers:
        workers.start(Task("sleep/long", 60.0))
        assert workers.free
        workers.start(Task("threads"))
        assert not workers.free
        task, result = workers.wait()
    assert task.name == "threads"
    assert result["omp"] == "1"
    assert set(result["threads"]) == {1}
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "NPROC" not in os.environ


def test_a_program_stays_with_the_process_that_compiled_it():
    one, two = Task("square/1", program="a"), Task("sleep/2", 60.0, program="b")
    with make_workers(2) as workers:
        workers.start(one)
        queue = deque([Task("square", program="a"), two])
        assert workers.take(queue) is two
        workers.start(two)
        assert workers.wait()[0] == one
        queue.extendleft([Task("threads", program="c"), Task("raise", program="b")])
        assert [workers.take(queue).program for _ in range(3)] == ["a", "c", "b"]
    assert not queue


def test_one_worker_takes_what_comes_first():
    queue = deque([Task("square", program="b"), Task("square", program="a")])
    with make_workers(1) as workers:
        workers.start(Task("square", program="a"))
        assert workers.take(queue).program == "b"


def test_processes_are_gone_afterwards():
    with make_workers(2) as workers:
        workers.start(Task("square"))
        pid = workers.wait()[1]["pid"]
        os.kill(pid, 0)
        workers.start(Task("sleep", 60.0))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_a_worker_raises_is_raised_here():
    with make_workers(2) as workers:
        workers.start(Task("raise", 3.0))
        with pytest.raises(RuntimeError, match=r"(?s)raise failed .*Zero.*of 3\.0"):
            workers.wait()


def test_worker_that_dies_is_named():
    with make_workers(2) as workers:
        workers.start(Task("die/soon"))
        with pytest.raises(UsageError, match=r"--workers: one ended .*-9 in die/soon"):
            workers.wait()


def test_one_worker_on_a_gpu():
    assert default_workers("cuda") == 1
    assert default_workers("cpu") >= 1


def gone(pid):
    """Waits until a process is gone, or a zombie that nobody waits for."""
    for _ in range(100):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().split()[2] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks into /proc")
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_interruption_keeps_what_is_finished_and_leaves_no_process(tmp_path, sent):
    command = [sys.executable, "-m", made_tasks.__name__, str(tmp_path)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        journal = tmp_path / "cells.jsonl"
        while not (journal.exists() and journal.read_text().count("\n") == 3):
            if process.poll() is not None:
                pytest.fail(process.communicate()[1])
            time.sleep(0.05)
        time.sleep(0.2)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        if sent == signal.SIGINT:
            # As a terminal does: to the parent and its workers.
            os.killpg(process.pid, sent)
        else:
            process.kill()
        out, err = process.communicate(timeout=20)
    assert process.returncode == (130 if sent == signal.SIGINT else -9)
    assert err == ""
    assert "[2/4] square/" in out
    workers = children.split()
    assert len(workers) >= 2
    assert all(gone(pid) for pid in workers)
