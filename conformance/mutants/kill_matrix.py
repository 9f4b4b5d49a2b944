"""The kill matrix for people and for JSON."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from conformance.adapters.resolve import IMPLEMENTATIONS
from conformance.mutants.catalogue import CATEGORIES, CONTROL, FAULT, HARNESS
from conformance.mutants.record import Record
from conformance.report.terminal import titled

KINDS = (FAULT, CONTROL, HARNESS)


def counts(records: Iterable[Record]) -> dict[str, dict[str, int]]:
    """How many of each kind there are, were killed, and got what they are owed."""
    found = {kind: Counter(asked=0, killed=0, right=0) for kind in KINDS}
    for record in records:
        found[record.kind].update(
            asked=1, killed=int(record.killed), right=int(record.right)
        )
    return {kind: dict(counter) for kind, counter in found.items()}


def verdict(records: Sequence[Record]) -> int:
    """Returns 0 where everything got what it is owed, and 1 otherwise."""
    return 0 if records and all(record.right for record in records) else 1


def parts(
    records: Sequence[Record], seconds: float, out: str, *, whole: bool
) -> list[Table | Text]:
    """Sums up for people.

    Args:
        records: All records.
        seconds: How long it took.
        out: Where the matrix lies.
        whole: Whether the whole catalogue was asked.

    Returns:
        A table of categories and backends, every mutant that did not get what it is
        owed, and a line with the verdict.
    """
    found: list[Table | Text] = [_table(records)]
    for record in (one for one in records if not one.right):
        found.append(Text(f"\n{record.status.upper()} {record.name}", style="bold red"))
        lines = (record.what, f"clause {record.clause}" if record.clause else "")
        lines += (record.expected_case, record.reason, *record.by)
        found += [Text(f"  {line}") for line in lines if line]
    found.append(_verdict(records, seconds, out, whole=whole))
    return found


def _table(records: Sequence[Record]) -> Table:
    table = titled("killed of planted faults; survived of controls")
    table.add_column("category", overflow="fold")
    for name in (*IMPLEMENTATIONS, "all"):
        table.add_column(name, justify="right", no_wrap=True)
    for category in (*CATEGORIES, CONTROL):
        own = [record for record in records if record.category == category]
        cells = [[r for r in own if r.backend == name] for name in IMPLEMENTATIONS]
        if own:
            table.add_row(category, *(_cell(cell) for cell in (*cells, own)))
    own = [record for record in records if record.kind == HARNESS]
    if own:
        table.add_row("harness itself", *[Text("")] * len(IMPLEMENTATIONS), _cell(own))
    return table


def _cell(records: Sequence[Record]) -> Text:
    if not records:
        return Text("-", style="dim")
    right = sum(record.right for record in records)
    style = "green" if right == len(records) else "bold red"
    return Text(f"{right}/{len(records)}", style=style)


def _verdict(
    records: Sequence[Record], seconds: float, out: str, *, whole: bool
) -> Text:
    of = counts(records)
    faults, controls, harness = (
        f"{of[kind]['right']} of {of[kind]['asked']}" for kind in KINDS
    )
    tail = (
        f"{faults} faults killed by their case, {controls} controls survived, "
        f"{harness} faults of the harness caught in {seconds:.1f} s, {out}"
    )
    if verdict(records):
        return Text(f"\nNOT PROVEN: {tail}", style="bold red")
    word = "PROVEN" if whole else "PROVEN IN PART"
    return Text(f"\n{word}: {tail}", style="bold green")


def document(
    head: dict[str, Any], records: Sequence[Record], *, interrupted: bool
) -> dict[str, Any]:
    """The kill matrix as JSON knows it."""
    return {
        "header": head,
        "mutants": [record.as_dict() for record in records],
        "counts": counts(records),
        "interrupted": interrupted,
        "verdict": "not proven" if interrupted or verdict(records) else "proven",
    }
