"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


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

    def line(self, text: str) -> None:
        """Prints a line where there is no bar."""
        console = self._bar.console
        if not console.is_terminal:
            console.print(Text(text), soft_wrap=True)


@contextmanager
def progress(
    console: Console, total: int, *, time_left: bool = False
) -> Iterator[Shown]:
    """Shows the progress of long work, and leaves nothing of the bar behind.

    Args:
        console: Where to.
        total: Pieces of work.
        time_left: Whether to estimate it, from all pieces of the last hour: for those
            that take seconds and more.

    Yields:
        What to tell it to.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        *((TimeRemainingColumn(),) if time_left else ()),
    )
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        speed_estimate_period=3600.0,
    ) as bar:
        yield Shown(bar, bar.add_task("", total=total), total)
