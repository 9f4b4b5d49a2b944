import io
import re
from pathlib import Path

import pytest
from rich.console import Console

import conformance
from conformance.report.progress import TimeLeft, progress


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


def left(*done, expected=("a", "a", "b"), side_by_side=1):
    time = TimeLeft(side_by_side)
    time.expect(expected)
    for kind, seconds in done:
        time.done(kind, seconds)
    return str(time)


def test_time_left_is_known_after_the_first_piece():
    assert left() == ""
    assert left(("a", 31.0)) == "about 70 s left"
    assert left(("a", 20.0), ("a", 40.0)) == "about 30 s left"
    assert left(("a", 20.0), ("a", 40.0), ("b", 1.0)) == ""


def test_time_left_tells_kinds_apart():
    kinds = ("a", "a", "a", "b", "b")
    assert left(("a", 6.0), ("b", 600.0), expected=kinds) == "about 10 min left"
    assert left(("b", 600.0), ("b", 600.0), expected=kinds) == "about 30 min left"


def test_time_left_is_shorter_side_by_side():
    assert left(("a", 1200.0), side_by_side=2) == "about 20 min left"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.0, "10 s"),
        (10.1, "20 s"),
        (99.0, "100 s"),
        (100.0, "2 min"),
        (5960.0, "99 min"),
        (9000.0, "2.5 h"),
    ],
)
def test_time_left_in_words(seconds, words):
    assert left(("a", seconds), expected="aa") == f"about {words} left"


def test_time_left_grows_with_what_is_expected():
    time = TimeLeft(1)
    time.expect("aa")
    time.done("a", 20.0)
    time.expect("aaa")
    assert str(time) == "about 80 s left"


def test_there_is_one_bar():
    package = Path(conformance.__file__).parent
    drawing = re.compile(r"^(from|import) rich\.progress\b", re.M)
    files = {
        str(file.relative_to(package))
        for file in package.rglob("*.py")
        if drawing.search(file.read_text())
    }
    assert files == {"report/progress.py"}
