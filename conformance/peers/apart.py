"""An adapter in a process whose environment is its own."""

import importlib
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from conformance.adapters.crew import Answer, Crew
from conformance.adapters.protocol import (
    Adapter,
    Capabilities,
    Errored,
    Request,
    Response,
    Skipped,
)

# One call may wait for a long compilation on a busy machine.
PATIENCE_S = 300.0


class Apart:
    """Asks an adapter that lives in a worker, because an import there is for ever."""

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        """Prepares the worker, which starts with the first request.

        Args:
            module: Module whose ``make`` returns the adapter, imported in the worker.
            environment: What is set there before.
        """
        make = partial(_serve, module, dict(environment))
        self._crew = Crew(make, 1, patience_s=PATIENCE_S)

    def start(self) -> Capabilities:
        """Starts the worker and says what the adapter claims.

        Raises:
            RuntimeError: The adapter does not start.
        """
        found = self._ask("start", ())
        if isinstance(found, Capabilities):
            return found
        reason = getattr(found, "message", "") or getattr(found, "reason", repr(found))
        raise RuntimeError(reason)

    def eval(self, request: Request) -> Response:
        """Answers one request; a worker that ended is an answer too."""
        return self._ask("eval", (request,))

    def stop(self) -> None:
        """Ends the worker."""
        self._crew.dismiss()

    def _ask(self, method: str, arguments: tuple[Any, ...]) -> Any:
        answers = self._crew.ask(method, [arguments])
        # In a tuple, since what an implementation refuses is no failure of the worker.
        return answers if isinstance(answers, Skipped | Errored) else answers[0][0]


def _serve(
    module: str, environment: Mapping[str, str], _rank: int, _size: int, _folder: Path
) -> Answer:
    """Returns what answers in the worker."""
    os.environ.update(environment)
    adapter: Adapter = importlib.import_module(module).make()

    def answer(method: str, arguments: tuple[Any, ...]) -> tuple[Any]:
        return (getattr(adapter, method)(*arguments),)

    return answer
