"""What the seconds of a request go into, kept apart for every thread."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from conformance.adapters.protocol import Evaluator, Request, Response

STARTING = "starting"
COMPILING = "compiling"


def add(total: dict[str, float], more: Mapping[str, float]) -> None:
    """Adds seconds to those that went into the same."""
    for what, seconds in more.items():
        total[what] = total.get(what, 0.0) + seconds


class Stopwatch(threading.local):
    """Seconds by what they went into, since they were last taken."""

    def __init__(self) -> None:
        self._spans: list[tuple[float, str, float]] = []
        self._elsewhere: dict[str, float] = {}

    def ended(self, what: str, seconds: float) -> None:
        """Records something that ends now, with all that was recorded during it.

        Compilers report what they do within something else as well as that itself, so
        adding up what they report would count seconds twice.
        """
        end = time.perf_counter()
        # In a thread, what ended after this began happened within it.
        while self._spans and self._spans[-1][0] > end - seconds:
            self._spans.pop()
        self._spans.append((end, what, seconds))

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        """Records what happens in a block."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.ended(what, time.perf_counter() - begin)

    def elsewhere(self, seconds: Mapping[str, float]) -> None:
        """Records what another process took on behalf of this thread."""
        add(self._elsewhere, seconds)

    def take(self) -> dict[str, float]:
        """Returns seconds by what they went into, and starts again."""
        found = self._elsewhere
        for _, what, seconds in self._spans:
            add(found, {what: seconds})
        self._spans, self._elsewhere = [], {}
        return found


STOPWATCH = Stopwatch()


class Timed:
    """An adapter that counts requests, and the seconds that it takes to answer them."""

    def __init__(self, adapter: Evaluator) -> None:
        self._adapter = adapter
        self._requests = 0
        self._seconds = 0.0
        self._known: dict[str, float] = {}

    def eval(self, request: Request) -> Response:
        """Answers one request."""
        # What was recorded since the last request is not of this adapter.
        STOPWATCH.take()
        self._requests += 1
        began = time.perf_counter()
        try:
            return self._adapter.eval(request)
        finally:
            self._seconds += time.perf_counter() - began
            add(self._known, STOPWATCH.take())

    def take(self) -> tuple[int, float, dict[str, float]]:
        """Returns requests, seconds and what is known of them, and starts again."""
        found = self._requests, self._seconds, self._known
        self._requests, self._seconds, self._known = 0, 0.0, {}
        return found
