"""Worker processes, for shards that must not share a process."""

import contextlib
import multiprocessing
import os
import pickle
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from conformance.adapters.protocol import Errored, Response, Skipped

# From the message to the last answer; the first message also waits for imports.
PATIENCE_S = 60.0
MAX_SHARDS = 3

Answer = Callable[[Any, Any], Any]


class Crew:
    """Workers that start with the first request and live until they are dismissed.

    They end with this process: by their own account when the connection closes, and as
    daemons where it exits in order.

    Attributes:
        size: Number of workers.
    """

    def __init__(self, make: Callable[[int, int, Path], Answer], size: int) -> None:
        """Prepares a crew.

        Args:
            make: Function of a module that, in a worker, returns what answers its
                requests, given its rank, the number of workers and a folder they
                share.
            size: Number of workers.
        """
        self.size = size
        self._make = make
        self._workers: list[tuple[Any, Connection]] = []
        self._folder = Path()
        self._lock = threading.Lock()

    def ask(self, function: Any, tasks: Sequence[Any]) -> list[Any] | Skipped | Errored:
        """Hands a task to each of the first workers and collects their answers.

        Args:
            function: What the task is about; travels by name.
            tasks: One for each worker that takes part.

        Returns:
            The answers by rank, or why there are none.
        """
        try:
            messages = [pickle.dumps((function, task)) for task in tasks]
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            return Skipped(f"the function cannot go to another process ({error})")
        with self._lock:
            if not self._workers:
                self._hire()
            try:
                answers = self._exchange(messages)
            except (EOFError, OSError) as error:
                answers = Errored(type(error).__name__, "a worker process ended")
            # One that failed leaves the others waiting for it.
            if isinstance(answers, Errored):
                self._end()
            return answers

    def dismiss(self) -> None:
        """Ends the workers."""
        with self._lock:
            self._end()

    def _hire(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._folder = Path(tempfile.mkdtemp(prefix="equipoise-"))
        for rank in range(self.size):
            here, there = context.Pipe()
            place = (self._make, rank, self.size, self._folder, there)
            worker = context.Process(target=_work, args=place, daemon=True)
            worker.start()
            there.close()
            self._workers.append((worker, here))

    def _exchange(self, messages: Sequence[bytes]) -> list[Any] | Skipped | Errored:
        taking_part = [connection for _, connection in self._workers[: len(messages)]]
        for connection, message in zip(taking_part, messages, strict=True):
            connection.send_bytes(message)
        answers: dict[Connection, Any] = {}
        limit = time.monotonic() + PATIENCE_S
        while len(answers) < len(taking_part):
            missing = [one for one in taking_part if one not in answers]
            ready = wait(missing, max(limit - time.monotonic(), 0))
            if not ready:
                reason = f"no answer from {len(missing)} workers in {PATIENCE_S:g} s"
                return Errored("TimeoutError", reason)
            for connection in missing:
                if connection in ready:
                    answers[connection] = connection.recv()
                    if isinstance(answers[connection], Errored):
                        return answers[connection]
        found = [answers[connection] for connection in taking_part]
        return next((one for one in found if isinstance(one, Skipped)), found)

    def _end(self) -> None:
        for worker, connection in self._workers:
            connection.close()
            worker.terminate()
        for worker, _ in self._workers:
            worker.join(5)
        if self._workers:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._workers = []


def _work(
    make: Callable[[int, int, Path], Answer],
    rank: int,
    size: int,
    folder: Path,
    connection: Connection,
) -> None:
    """Answers until the connection closes; whatever goes wrong is an answer too."""
    # What frameworks report on their own would end up amid the summary.
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(quiet, stream.fileno())
    answer: Answer | None = None
    problem = Errored("RuntimeError", "the worker did not start")
    try:
        # At once: workers may have to wait for each other.
        answer = make(rank, size, folder)
    except Exception as error:
        problem = Errored(type(error).__name__, str(error)[:300])
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            return
        try:
            connection.send(problem if answer is None else _answer(answer, message))
        except Exception as error:
            connection.send(Errored(type(error).__name__, str(error)[:300]))


def _answer(answer: Answer, message: bytes) -> Response:
    try:
        function, task = pickle.loads(message)
    except (ImportError, AttributeError) as error:
        return Skipped(f"the function cannot be found in another process ({error})")
    return answer(function, task)
