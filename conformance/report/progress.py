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
)
from rich.text import Text


class Shown:
    """What is shown while work goes on.

    Args:
        bar: Draws where the console is a terminal.
        task: The work in that bar.
    """

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task

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
def progress(console: Console, total: int) -> Iterator[Shown]:
    """Shows the progress of long work, and leaves nothing of the bar behind.

    Args:
        console: Where to.
        total: Pieces of work.

    Yields:
        What to tell it to.
    """
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        yield Shown(bar, bar.add_task("", total=total))
