"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
)
from rich.text import Text


class TimeLeft:
    """Estimates it from what pieces of the same kind took, in words.

    Args:
        side_by_side: How many pieces are worked on at a time.

    Example:
        >>> left = TimeLeft(2)
        >>> left.expect(["slow", "slow", "quick"])
        >>> left.done("slow", 600.0)
        >>> str(left)
        'about 10 min left'
    """

    def __init__(self, side_by_side: int) -> None:
        self._side_by_side = side_by_side
        self._waiting: Counter[str] = Counter()
        self._took: defaultdict[str, list[float]] = defaultdict(list)

    def expect(self, kinds: Iterable[str]) -> None:
        """Says of what kind more pieces are."""
        self._waiting.update(kinds)

    def done(self, kind: str, seconds: float) -> None:
        """Says what a piece took, now or in a run before."""
        self._waiting[kind] -= 1
        self._took[kind].append(seconds)

    def __str__(self) -> str:
        """Empty as long as nothing is done, and when all is."""
        if not self._took or not self._waiting.total():
            return ""
        # A kind of which nothing is known takes what the others take.
        known = _mean([seconds for took in self._took.values() for seconds in took])
        total = sum(
            pieces * (_mean(self._took[kind]) if kind in self._took else known)
            for kind, pieces in self._waiting.items()
        )
        return f"about {_words(total / self._side_by_side)} left"


def _mean(seconds: list[float]) -> float:
    return sum(seconds) / len(seconds)


def _words(seconds: float) -> str:
    if seconds < 100.0:
        return f"{10 * max(1, math.ceil(seconds / 10.0))} s"
    minutes = round(seconds / 60.0)
    return f"{minutes} min" if minutes < 100 else f"{seconds / 3600.0:.1f} h"


class Shown:
    """What is shown while work goes on.

    Args:
        bar: Draws where the console is a terminal.
        task: The work in that bar.
        total: Pieces of work.
    """

    def __init__(self, bar: Progress, task: TaskID, total: int) -> None:
        self._bar = bar
        self._task = task
        self._total = total

    @property
    def total(self) -> int:
        """Pieces of work that are known of."""
        return self._total

    def more(self, pieces: int) -> None:
        """Says that there is more work than was known."""
        self._total += pieces
        self._bar.update(self._task, total=self._total)

    def at(self, what: str, *, advance: int = 0) -> None:
        """Says what is being done, and how much was.

        Args:
            what: Beside the bar.
            advance: Pieces of work that are done since.
        """
        self._bar.update(self._task, description=what, advance=advance)

    def left(self, time: TimeLeft) -> None:
        """Says how long it will take, beside the bar."""
        self._bar.update(self._task, left=str(time))

    def line(self, text: str) -> None:
        """Prints a line where there is no bar."""
        console = self._bar.console
        if not console.is_terminal:
            console.print(Text(text), soft_wrap=True)


@contextmanager
def progress(console: Console, total: int) -> Iterator[Shown]:
    """Shows the progress of long work, and leaves nothing of the bar behind.

    Args:
        console: Where to.
        total: Pieces of work.

    Yields:
        What to tell it to.
    """
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[left]}", markup=False),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        yield Shown(bar, bar.add_task("", total=total, left=""), total)
