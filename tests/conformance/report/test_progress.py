import io
import re
from pathlib import Path

import pytest
from rich.console import Console

import conformance
from conformance.report.progress import progress


def shown(*, terminal, cut=False):
    file = io.StringIO()
    console = Console(file=file, force_terminal=terminal, width=60)
    with progress(console, 3) as work:
        for name in ("bce/[red]", "focal/" + "x" * 80):
            work.at(name, advance=1)
            work.line(f"{name}: done")
            if cut:
                raise KeyboardInterrupt
        work.at("last/[red]")
    return file.getvalue()


def test_plain_lines_elsewhere():
    # Neither folded nor read as markup, and no sign of a bar.
    assert shown(terminal=False) == f"bce/[red]: done\nfocal/{'x' * 80}: done\n"


def test_bar_on_a_terminal_leaves_nothing_behind():
    text = shown(terminal=True)
    assert "2/3" in text
    assert "done" not in text
    # The line of the bar is erased at the end, and the cursor shown again.
    assert text.rstrip().endswith("\x1b[2K")
    assert text.rindex("\x1b[?25h") > text.rindex("last/[red]")


@pytest.mark.parametrize("terminal", [True, False])
def test_interruptions_pass(terminal):
    with pytest.raises(KeyboardInterrupt):
        shown(terminal=terminal, cut=True)


def test_there_is_one_bar():
    package = Path(conformance.__file__).parent
    drawing = re.compile(r"^(from|import) rich\.progress\b", re.M)
    files = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if drawing.search(file.read_text())
    }
    assert files == {"report/progress.py"}
