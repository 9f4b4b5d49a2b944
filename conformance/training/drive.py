"""Has the cells of several studies computed, and remembers their results."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console

from conformance.report.header import source_digest
from conformance.report.progress import Shown, TimeLeft, progress
from conformance.training.cache import Cache
from conformance.training.cells import Cell
from conformance.training.journal import Journal
from conformance.training.study import Study
from conformance.training.workers import Inline, Pool


class Memory:
    """What is known of cells: from this run by its journal, from others by a cache.

    Args:
        journal: Of this run.
        cache: Of all runs.
        source: Digest of the code that computes.
        data_digest: Of the user's file; None without one.
    """

    def __init__(
        self, journal: Journal, cache: Cache, *, source: str, data_digest: str | None
    ) -> None:
        self._journal, self._cache = journal, cache
        self._source, self._data_digest = source, data_digest

    def recall(self, cell: Cell) -> tuple[dict[str, Any], str] | None:
        """Returns a cell's result and where it is from, or None."""
        found = self._journal.get(cell.name)
        if found is not None:
            return found, "resumed"
        found = self._cache.get(self._content(cell))
        if found is None:
            return None
        self._journal.append(cell.name, found)
        return found, "cached"

    def keep(self, cell: Cell, result: dict[str, Any]) -> None:
        """Records a result that was computed."""
        self._journal.append(cell.name, result)
        # Whoever edits the code meanwhile does not get results of no known code.
        if source_digest() == self._source:
            self._cache.put(self._content(cell), result)

    def _content(self, cell: Cell) -> dict[str, Any]:
        return cell.content(source=self._source, data_digest=self._data_digest)


def drive(
    studies: Sequence[Study], workers: Inline | Pool, memory: Memory, console: Console
) -> None:
    """Computes the rounds of all studies, each as soon as its last one is complete.

    Args:
        studies: Whose ``results`` are filled.
        workers: What computes.
        memory: What need not be computed, and where results go.
        console: Shows how far it is, of the rounds that are known of.
    """
    with progress(console, 0) as shown:
        _Run(studies, memory, shown, TimeLeft(workers.count)).all(workers)


class _Run:
    def __init__(
        self,
        studies: Sequence[Study],
        memory: Memory,
        shown: Shown,
        left: TimeLeft,
    ) -> None:
        self._memory, self._shown, self._left = memory, shown, left
        self._queue: deque[Cell] = deque()
        # Of every study whose round is not complete: its cells that are missing.
        self._missing: dict[Study, set[str]] = {}
        self._rounds: dict[Study, Iterator[list[Cell]]] = {
            study: study.rounds() for study in studies
        }
        self._done = 0

    def all(self, workers: Inline | Pool) -> None:
        for study in self._rounds:
            self._next_round(study)
        computing = 0
        while self._queue or computing:
            if self._queue and workers.free:
                cell = workers.take(self._queue)
                self._shown.at(cell.name)
                known = self._memory.recall(cell)
                if known:
                    self._finish(cell, *known)
                else:
                    workers.start(cell)
                    computing += 1
            else:
                cell, result = workers.wait()
                computing -= 1
                self._memory.keep(cell, result)
                self._finish(cell, result, f"{result['seconds']:.1f} s")

    def _next_round(self, study: Study) -> None:
        cells = next(self._rounds[study], [])
        self._missing[study] = {cell.name for cell in cells}
        self._queue.extend(cells)
        self._shown.more(len(cells))
        self._left.expect(_kind(cell) for cell in cells)

    def _finish(self, cell: Cell, result: dict[str, Any], how: str) -> None:
        self._done += 1
        self._left.done(_kind(cell), result["seconds"])
        self._shown.at(cell.name, advance=1)
        study = next(s for s, names in self._missing.items() if cell.name in names)
        study.results[cell.name] = result
        self._missing[study].remove(cell.name)
        if not self._missing[study]:
            self._next_round(study)
        self._shown.left(self._left)
        where = f"[{self._done}/{self._shown.total}] {cell.name}"
        self._shown.line(", ".join(filter(None, (f"{where} {how}", str(self._left)))))


def _kind(cell: Cell) -> str:
    """Names cells that take about the same time: of one data set, on one backend."""
    return "/".join(cell.name.split("/")[:2])
