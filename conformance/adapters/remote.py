"""An adapter in a process of its own, so that frameworks do not wait for each other."""

import time
from pathlib import Path

from conformance.adapters.crew import Answer, Crew
from conformance.adapters.functions import FunctionAdapter
from conformance.adapters.protocol import Errored, Evaluator, Request, Response
from conformance.adapters.resolve import resolve
from conformance.adapters.stopwatch import STARTING, STOPWATCH

# One call may wait for a long compilation on a busy machine.
PATIENCE_S = 600.0


class Remote:
    """Asks a copy of an adapter, made from its name in a worker process."""

    def __init__(self, name: str, crew: Crew) -> None:
        self._name = name
        self._crew = crew

    def eval(self, request: Request) -> Response:
        """Answers one request; a worker that ended is an answer too."""
        starts, began = not self._crew.pids(), time.perf_counter()
        answers = self._crew.ask(self._name, [request])
        # In a tuple, since what an implementation refuses is no failure of the worker.
        if not isinstance(answers, list):
            return answers
        response, seconds, spent = answers[0]
        if starts:
            rest = time.perf_counter() - began - seconds
            STOPWATCH.elsewhere({STARTING: rest})
        STOPWATCH.elsewhere(spent)
        return response


def one_worker() -> Crew:
    """Returns a crew of one that serves any number of adapters."""
    return Crew(serve, 1, patience_s=PATIENCE_S)


def serve(_rank: int, _size: int, _folder: Path) -> Answer:
    """Returns what answers requests in a worker."""
    return _Server().answer


class _Server:
    """Adapters in a process that does nothing but answer their requests."""

    def __init__(self) -> None:
        self._started: dict[str, Evaluator] = {}
        self._subject = ("", "")

    def answer(
        self, name: str, request: Request
    ) -> tuple[Response, float, dict[str, float]]:
        """Returns the answer, the seconds it took and what they went into."""
        began = time.perf_counter()
        if name not in self._started:
            with STOPWATCH.during(STARTING):
                self._started[name] = _started(name)
        adapter = self._started[name]
        subject = (name, request.operation)
        # Requests for one operation share much of what is compiled.
        if subject != self._subject and isinstance(adapter, FunctionAdapter):
            adapter.release()
        self._subject = subject
        response = adapter.eval(request)
        return response, time.perf_counter() - began, STOPWATCH.take()


class _NotStarted:
    """Answers that an adapter did not start, at once, instead of trying every time."""

    def __init__(self, reason: Exception) -> None:
        self._answer = Errored(
            "adapter: NotStarted", f"{type(reason).__name__}: {reason}"[:300]
        )

    def eval(self, _request: Request) -> Response:
        """Answers one request."""
        return self._answer


def _started(name: str) -> Evaluator:
    adapter = resolve(name)
    try:
        adapter.start()
    except Exception as error:
        return _NotStarted(error)
    return adapter
