"""Worker processes, for shards that must not share a process."""

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any

from conformance.adapters.protocol import Errored, Response, Skipped

# From the message to the last answer; the first message also waits for imports.
PATIENCE_S = 60.0
MAX_SHARDS = 3
CODE = "import sys; from conformance.adapters.crew import work; work(int(sys.argv[1]))"

Answer = Callable[[Any, Any], Any]


class Crew:
    """Workers that start with the first request and live until they are dismissed.

    They end with this process, by their own account, when the connection closes.

    Attributes:
        size: Number of workers.
    """

    def __init__(
        self,
        make: Callable[[int, int, Path], Answer],
        size: int,
        *,
        patience_s: float | None = None,
    ) -> None:
        """Prepares a crew.

        Args:
            make: Function of a module that, in a worker, returns what answers its
                requests, given its rank, the number of workers and a folder they
                share.
            size: Number of workers.
            patience_s: Seconds to wait for the answers to a message, a minute by
                default.
        """
        self.size = size
        self._make = make
        self._patience_s = PATIENCE_S if patience_s is None else patience_s
        self._workers: list[tuple[subprocess.Popen[bytes], Connection]] = []
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

    def pids(self) -> list[int]:
        """Process numbers of the workers that live."""
        return [worker.pid for worker, _ in self._workers]

    def dismiss(self) -> None:
        """Ends the workers."""
        with self._lock:
            self._end()

    def _hire(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="equipoise-"))
        # Not by multiprocessing, which would run the user's program once more.
        paths = os.pathsep.join(sys.path)
        for rank in range(self.size):
            here, there = Pipe()
            place = pickle.dumps((self._make, rank, self.size, self._folder))
            worker = subprocess.Popen(
                [sys.executable, "-c", CODE, str(there.fileno())],
                env={**os.environ, "PYTHONPATH": paths},
                pass_fds=[there.fileno()],
                stdin=subprocess.DEVNULL,
                # What frameworks report on their own would end up amid the summary.
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Ctrl-C is for this process; workers end when the connection closes.
                start_new_session=True,
            )
            there.close()
            here.send_bytes(place)
            self._workers.append((worker, here))

    def _exchange(self, messages: Sequence[bytes]) -> list[Any] | Skipped | Errored:
        taking_part = [connection for _, connection in self._workers[: len(messages)]]
        for connection, message in zip(taking_part, messages, strict=True):
            connection.send_bytes(message)
        answers: dict[Connection, Any] = {}
        limit = time.monotonic() + self._patience_s
        while len(answers) < len(taking_part):
            missing = [one for one in taking_part if one not in answers]
            ready = wait(missing, max(limit - time.monotonic(), 0))
            if not ready:
                reason = (
                    f"no answer from {len(missing)} workers in {self._patience_s:g} s"
                )
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
            worker.kill()
        for worker, _ in self._workers:
            worker.wait()
        if self._workers:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._workers = []


def work(handle: int) -> None:
    """Answers until the connection closes; whatever goes wrong is an answer too.

    Args:
        handle: Number of the open file that is the connection.
    """
    connection = Connection(handle)
    answer: Answer | None = None
    problem = Errored("RuntimeError", "the worker did not start")
    make, rank, size, folder = pickle.loads(connection.recv_bytes())
    try:
        # At once: workers may have to wait for each other.
        answer = make(rank, size, folder)
    except Exception as error:
        problem = Errored(type(error).__name__, str(error)[:300])
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            # Who made the folder may have had no time to remove it.
            shutil.rmtree(folder, ignore_errors=True)
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
