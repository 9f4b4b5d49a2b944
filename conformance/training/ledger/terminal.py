"""The ledger for people, on a terminal or in a pipe."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.text import Text

from conformance.report.terminal import titled
from conformance.report.wording import clean, counted
from conformance.training.ledger.claim import (
    FAILS,
    HOLDS,
    HOLDS_WHEN,
    NO_EVIDENCE,
    NOT_TESTABLE,
    VERDICTS,
    Entry,
)
from conformance.training.ledger.contrasts import LEVEL
from conformance.training.ledger.wording import lines

STYLES = {
    HOLDS: "bold green",
    HOLDS_WHEN: "bold yellow",
    FAILS: "bold red",
    NOT_TESTABLE: "bold",
    NO_EVIDENCE: "bold magenta",
}


def table(entries: Sequence[Entry]) -> Iterator[RenderableType]:
    """Shows entries as a table for each article, and sums them up.

    Args:
        entries: In the order of the articles.
    """
    for article, own in _by_article(entries).items():
        found = titled(article)
        found.add_column("claim", no_wrap=True)
        found.add_column("verdict", max_width=18)
        found.add_column("what is asserted, and what is found", overflow="fold")
        for entry in own:
            style = STYLES[entry.verdict.word]
            found.add_row(
                entry.claim.number, Text(str(entry.verdict), style), _cell(entry)
            )
            found.add_section()
        yield found
    yield from _ending(entries)


def _cell(entry: Entry) -> Text:
    cell = Text.assemble((entry.claim.text, "italic"))
    cell.append(f"\n{clean(entry.verdict.sentence)}")
    for name, line in _details(entry):
        cell.append(f"\n{name}: {clean(line)}", "dim")
    return cell


def plain_lines(entries: Sequence[Entry], width: int) -> Iterator[RenderableType]:
    """Shows entries as lines, and sums them up.

    Args:
        entries: In the order of the articles.
        width: Of the console.
    """
    for article, own in _by_article(entries).items():
        yield Text(f"\n{article}")
        for entry in own:
            yield Text(f"\n{entry.claim.number}: {entry.verdict}")
            parts = [("claim", entry.claim.text), ("found", entry.verdict.sentence)]
            for name, line in (*parts, *_details(entry)):
                head = f"  {name:10}"
                filled = textwrap.wrap(
                    clean(line), width - len(head), break_on_hyphens=False
                )
                yield Text(head + f"\n{'':{len(head)}}".join(filled))
    yield from _ending(entries)


def _details(entry: Entry) -> Iterator[tuple[str, str]]:
    yield "checked", entry.claim.checked
    for line in lines(entry.evidence):
        yield "evidence", line
    if entry.note:
        yield "note", entry.note
    for command in entry.commands:
        yield "command", command


def _ending(entries: Sequence[Entry]) -> Iterator[RenderableType]:
    sources = dict.fromkeys(str(own) for entry in entries for own in entry.sources)
    yield Text()
    if sources:
        yield Text(f"intervals and tests over paired seeds: {100 * LEVEL:g} %", "dim")
    for source in sources:
        yield Text(f"read from {clean(source)}", "dim")
    yield Text(summary(entries), "bold")


def summary(entries: Sequence[Entry]) -> str:
    """Says how many claims have which verdict."""
    counts = Counter(entry.verdict.word for entry in entries)
    words = ", ".join(f"{counts[word]} {word}" for word in VERDICTS if counts[word])
    return f"{counted(len(entries), 'claim')}: {words}"


def _by_article(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        title = f"{entry.claim.number[0]}. {entry.claim.article}"
        found.setdefault(title, []).append(entry)
    return found
