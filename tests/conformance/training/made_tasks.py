"""Tasks for other processes, which import them by name."""

import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from threadpoolctl import threadpool_info

from conformance.training.cache import Cache
from conformance.training.drive import Memory, drive
from conformance.training.journal import Journal
from conformance.training.workers import make_workers


@dataclass(frozen=True)
class Task:
    """Does as its name says."""

    name: str
    number: float = 0.0
    program: str = ""

    def content(self, **known: Any) -> dict[str, Any]:
        return {"name": self.name, "number": self.number, **known}

    def compute(self) -> dict[str, Any]:
        return getattr(self, f"_{self.name.partition('/')[0]}")()

    def _square(self) -> dict[str, Any]:
        return {"square": self.number**2, "pid": os.getpid()}

    def _sleep(self) -> dict[str, Any]:
        time.sleep(self.number)
        return {"pid": os.getpid()}

    def _raise(self) -> dict[str, Any]:
        raise ZeroDivisionError(f"of {self.number}")

    def _die(self) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGKILL)
        return {}

    def _threads(self) -> dict[str, Any]:
        import numpy as np

        np.linalg.inv(np.eye(2))
        pools = [pool["num_threads"] for pool in threadpool_info()]
        return {"threads": pools, "omp": os.environ["OMP_NUM_THREADS"]}


class Study:
    """Yields the rounds that it is given."""

    def __init__(self, *rounds: list[Task]) -> None:
        self.results: dict[str, dict[str, Any]] = {}
        self._rounds = rounds

    def rounds(self):
        for tasks in self._rounds:
            yield tasks
            missing = {task.name for task in tasks} - set(self.results)
            if missing:
                raise RuntimeError(f"not computed: {missing}")


def main(folder: str) -> None:
    """Computes for a long time in two processes, whose ids it prints."""
    # In the background of a shell, tests inherit that Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    path = Path(folder)
    journal = Journal(path / "cells.jsonl", {"made": True}, resume=True)
    memory = Memory(journal, Cache(None), source="", data_digest=None)
    tasks = [Task("square/1", 2.0), Task("square/2", 3.0)]
    slow = [Task("sleep/1", 60.0), Task("sleep/2", 60.0)]
    console = Console(file=sys.stdout)
    with make_workers(2) as workers:
        try:
            drive([Study(tasks, slow)], workers, memory, console)  # pyright: ignore[reportArgumentType]
        except KeyboardInterrupt:
            sys.exit(130)


if __name__ == "__main__":
    main(sys.argv[1])
