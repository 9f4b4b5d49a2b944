"""Processes that compute cells side by side, or this one alone."""

import os
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from typing import Any, Protocol, Self

from joblib import cpu_count

from conformance.errors import UsageError

# Each computes on one thread: these products are too small to share. Read by what a
# process imports first, so it is set before the process starts.
_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # The size of XLA's pool of threads.
    "NPROC": "1",
}
# Each imports what it trains with, which takes a gigabyte.
_MOST = 8


class Task(Protocol):
    """What is computed; it travels to another process, and so does its result."""

    @property
    def name(self) -> str:
        """Says which one it is."""
        ...

    @property
    def program(self) -> Hashable:
        """What is compiled for it; others with the same need not compile again."""
        ...

    def compute(self) -> dict[str, Any]:
        """Returns the result."""
        ...


def default_workers(device: str) -> int:
    """Returns one for each core, up to eight; on a GPU one, which has its memory."""
    return 1 if device == "cuda" else min(cpu_count(), _MOST)


@contextmanager
def make_workers(count: int) -> Iterator["Inline | Pool"]:
    """Yields what computes; the processes of a pool are gone afterwards."""
    if count == 1:
        yield Inline()
        return
    pool = Pool(count)
    try:
        yield pool
    finally:
        pool.kill()


class Inline:
    """Computes in this process, so that a test can put something in its place."""

    count = 1

    def __init__(self) -> None:
        self._finished: list[tuple[Any, dict[str, Any]]] = []

    @property
    def free(self) -> bool:
        """Whether another task can be started."""
        return not self._finished

    def take(self, queue: deque[Any]) -> Any:
        """Removes from the queue what is best computed next, and returns it."""
        return queue.popleft()

    def start(self, task: Task) -> None:
        """Computes a task."""
        self._finished.append((task, _timed(task)))

    def wait(self) -> tuple[Any, dict[str, Any]]:
        """Returns the task that was started and its result."""
        return self._finished.pop()


@dataclass
class _Lane:
    """A process, this end of the pipe to it, and what it computes and did last."""

    process: Any
    pipe: Any
    task: Task | None = None
    program: Hashable = None

    @classmethod
    def open(cls) -> Self:
        context = get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_serve, args=(there,), daemon=True)
        with _single_threaded(), _uninterrupted():
            process.start()
        there.close()
        return cls(process, here)


class Pool:
    """Computes in processes of their own, which start when there is work for them.

    Args:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._lanes: list[_Lane] = []

    @property
    def free(self) -> bool:
        """Whether another task can be started."""
        return len(self._lanes) < self.count or self._idle() is not None

    def take(self, queue: deque[Any]) -> Any:
        """Removes from the queue what is best computed next, and returns it.

        Best is what the free process has compiled just now, and worst what another one
        has: no program is then compiled in two processes at the same time.
        """
        idle = self._idle()
        own = {idle.program} if idle else set()
        others = {lane.program for lane in self._lanes} - own

        def rank(task: Task) -> int:
            return 0 if task.program in own else 1 + (task.program in others)

        task = min(queue, key=rank)
        queue.remove(task)
        return task

    def start(self, task: Task) -> None:
        """Starts to compute a task."""
        lane = self._idle()
        if lane is None:
            lane = _Lane.open()
            self._lanes.append(lane)
        lane.task, lane.program = task, task.program
        lane.pipe.send(task)

    def wait(self) -> tuple[Any, dict[str, Any]]:
        """Waits for a task, and returns it with its result.

        Raises:
            UsageError: The process ended instead.
            RuntimeError: The computation raised something.
        """
        busy = {lane.pipe: lane for lane in self._lanes if lane.task is not None}
        lane = busy[connection.wait(list(busy))[0]]
        task: Any = lane.task
        lane.task = None
        try:
            result, raised = lane.pipe.recv()
        except (EOFError, ConnectionError) as error:
            lane.process.join()
            raise UsageError(
                f"--workers: one ended with status {lane.process.exitcode} in "
                f"{task.name}, for want of memory perhaps; --resume with fewer of "
                "them goes on."
            ) from error
        if raised:
            raise RuntimeError(f"{task.name} failed in a worker:\n{raised}")
        return task, result

    def _idle(self) -> _Lane | None:
        return next((lane for lane in self._lanes if lane.task is None), None)

    def kill(self) -> None:
        """Ends all processes, whatever they are doing."""
        for lane in self._lanes:
            lane.process.kill()
        for lane in self._lanes:
            lane.process.join()
            lane.pipe.close()


def _serve(pipe: connection.Connection) -> None:
    """Computes what comes through the pipe until it is closed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        try:
            answer = _timed(task), ""
        except Exception:  # whatever it is, the parent raises it
            answer = None, traceback.format_exc()
        pipe.send(answer)


def _end_with_parent() -> None:
    """Ends this process when its parent is gone, killed perhaps."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _timed(task: Task) -> dict[str, Any]:
    start = time.perf_counter()
    result = task.compute()
    return {**result, "seconds": round(time.perf_counter() - start, 2)}


@contextmanager
def _single_threaded() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Lets processes that start meanwhile ignore Ctrl-C, which their parent handles."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
