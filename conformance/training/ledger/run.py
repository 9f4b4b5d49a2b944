"""The command's work: gather, judge, show."""

import sys
from collections.abc import Sequence
from pathlib import Path

from conformance.errors import UsageError
from conformance.report.html.claims import page
from conformance.report.ledger import parse
from conformance.report.terminal import make_console
from conformance.training.ledger import NO_EVIDENCE, Entry, Runs, ledger
from conformance.training.ledger.document import as_json, document
from conformance.training.ledger.terminal import plain_lines, table

STDOUT = Path("-")


def run(
    outcome: Path | None,
    select: str,
    *,
    json: Path | None,
    html: Path | None,
    out: Path | None,
) -> int:
    """Judges claims and shows the verdicts.

    Args:
        outcome: Folder of ``compare``; None is ``outcome``, which need not exist.
        select: Patterns of numbers, by commas.
        json: File for programs; ``-`` prints it and nothing else.
        html: File for a browser.
        out: Folder of both, and of the report.

    Returns:
        1 where a claim has no evidence, otherwise 0.

    Raises:
        UsageError: No such folder or claim, or a file cannot be written.
    """
    if outcome is not None and not outcome.is_dir():
        raise UsageError(f"--outcome: expected a folder, got {str(outcome)!r}.")
    entries = ledger(Runs(outcome or Path("outcome")), select)
    quiet = json == STDOUT
    if quiet:
        sys.stdout.write(as_json(entries))
    else:
        _show(entries)
    files = {
        "--json": [] if json is None or quiet else [json],
        "--html": [] if html is None else [html],
        "--out": [] if out is None else [out / "claims.json", out / "claims.html"],
    }
    for option, paths in files.items():
        for path in paths:
            _write(option, path, entries)
            if not quiet:
                make_console().print(f"wrote {path}", soft_wrap=True)
    return int(any(entry.verdict.word == NO_EVIDENCE for entry in entries))


def _show(entries: Sequence[Entry]) -> None:
    console = make_console()
    shown = (
        table(entries) if console.is_terminal else plain_lines(entries, console.width)
    )
    for part in shown:
        console.print(part, soft_wrap=not console.is_terminal)


def _write(option: str, path: Path, entries: Sequence[Entry]) -> None:
    as_page = option == "--html" or path.name == "claims.html"
    text = page(parse(document(entries))) if as_page else as_json(entries)
    try:
        if option == "--out":
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{option}: cannot write {path} ({error}).") from error
