"""An adapter in a process of its own, so that frameworks do not wait for each other."""

from pathlib import Path

from conformance.adapters.crew import Answer, Crew
from conformance.adapters.protocol import Adapter, Request, Response
from conformance.adapters.resolve import resolve

# One call may wait for a long compilation on a busy machine.
PATIENCE_S = 600.0


class Remote:
    """Asks a copy of an adapter, made from its name in a worker process."""

    def __init__(self, name: str, crew: Crew) -> None:
        self._name = name
        self._crew = crew

    def eval(self, request: Request) -> Response:
        """Answers one request; a worker that ended is an answer too."""
        answers = self._crew.ask(self._name, [request])
        # In a tuple, since what an implementation refuses is no failure of the worker.
        return answers[0][0] if isinstance(answers, list) else answers


def one_worker() -> Crew:
    """Returns a crew of one that serves any number of adapters."""
    return Crew(serve, 1, patience_s=PATIENCE_S)


def serve(_rank: int, _size: int, _folder: Path) -> Answer:
    """Returns what answers requests in a worker."""
    started: dict[str, Adapter] = {}

    def answer(name: str, request: Request) -> tuple[Response]:
        if name not in started:
            adapter = resolve(name)
            adapter.start()
            started[name] = adapter
        return (started[name].eval(request),)

    return answer
