"""An examination for people, on a terminal or in a pipe."""

import textwrap
from collections import Counter
from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from conformance.doctor.examine import Examination
from conformance.doctor.facts import Fact
from conformance.doctor.findings import Finding, Severity
from conformance.report.terminal import titled
from conformance.report.wording import clean, counted, grouped

# Of the table of facts; a data set may have a thousand classes.
ROWS = 20
# Columns of a terminal that it needs; on a narrower one the facts are lines.
WIDTH = 80
STYLES = {
    Severity.WRONG: "bold red",
    Severity.WARNING: "bold yellow",
    Severity.INFO: "bold cyan",
}
COLUMNS = {
    "positives": "positives",
    "rate": "rate",
    "expected": "expected",
    "used": "used",
    "probability": "mean p",
    "passing": "p>=.5",
    "auroc": "AUROC",
    "average_precision": "AP",
}


def rendered(examination: Examination, width: int) -> Iterator[RenderableType]:
    """Shows an examination.

    Args:
        examination: Of one file.
        width: Of the console.

    Yields:
        What the file holds, a table of facts, notes, findings, and a verdict.
    """
    yield Text(heading(examination))
    yield Text()
    yield from _facts(examination, width)
    yield Text(legend(examination), style="dim")
    for note in examination.scores.notes:
        yield Text(f"note: {clean(note)}", style="dim")
    for finding in examination.findings:
        yield from _finding(finding, width)
    yield Text()
    for line in unasked(examination):
        yield Text(line, style="dim")
    style = "bold red" if examination.wrong else "bold green"
    yield Text(verdict(examination), style=style)


def heading(examination: Examination) -> str:
    """Says what the file holds."""
    scores = examination.scores
    kind = {"binary": "binary", "multilabel": "multi-label"}.get(
        scores.task, "multi-class"
    )
    classes = "" if scores.classes == 1 else f", {scores.classes} classes"
    told = ", ".join(sorted(name for name in scores.told if name != "train_labels"))
    also = f"; with {told}" if told else ""
    examples = counted(len(scores.values), "example")
    return f"{kind}: {examples}{classes}, {scores.kind} in {scores.stored}{also}"


def legend(examination: Examination) -> str:
    """Says what the columns of weights are."""
    words = "expected: pos_weight that balances, negatives / positives, at most 100"
    if examination.scores.task == "multiclass":
        words = "expected: class weights that balance, inverse frequencies"
    used = any(fact.used is not None for fact in examination.facts)
    return f"{words}; used: as the file tells" if used else words


def shown(fact: Fact) -> dict[str, str]:
    """Numbers of a class as they are printed, by column."""
    formats = {"positives": grouped, "expected": _four, "used": _four}
    return {
        name: "-"
        if (value := getattr(fact, name)) is None
        else formats.get(name, _share)(value)
        for name in COLUMNS
    }


def _four(value: float) -> str:
    return f"{value:.4g}"


def _share(value: float) -> str:
    return f"{value:.4f}"


def unasked(examination: Examination) -> list[str]:
    """Says which checks were not made, and why."""
    counts = Counter(examination.skipped.values())
    return [
        f"{counted(number, 'check')} not asked: {reason} would explain what they see"
        for reason, number in counts.items()
    ]


def verdict(examination: Examination) -> str:
    """Says how it stands, in a line."""
    asked = counted(examination.asked, "check")
    if not examination.findings:
        return f"HEALTHY: {asked}, nothing found"
    found = Counter(finding.severity for finding in examination.findings)
    counts = [
        counted(found[severity], severity, severity if severity == "wrong" else "")
        for severity in Severity
        if found[severity]
    ]
    word = "WRONG" if examination.wrong else "NOTHING WRONG"
    return f"{word}: {', '.join(counts)}; {asked}"


def _facts(examination: Examination, width: int) -> Iterator[RenderableType]:
    facts = examination.facts
    used = any(fact.used is not None for fact in facts)
    columns = [name for name in COLUMNS if used or name != "used"]
    more = [f"and {len(facts) - ROWS} more"] if len(facts) > ROWS else []
    if width < WIDTH:
        for fact in facts[:ROWS]:
            cells = shown(fact)
            numbers = ", ".join(f"{COLUMNS[name]} {cells[name]}" for name in columns)
            yield Text(f"{clean(fact.name)}: {numbers}")
        yield from map(Text, more)
        return
    table = titled("")
    table.title = None
    table.add_column("class", overflow="fold")
    for name in columns:
        table.add_column(COLUMNS[name], justify="right", no_wrap=True)
    for fact in facts[:ROWS]:
        cells = shown(fact)
        table.add_row(clean(fact.name), *(cells[name] for name in columns))
    for line in more:
        table.add_row(line)
    yield table


def _finding(finding: Finding, width: int) -> Iterator[RenderableType]:
    style = STYLES[finding.severity]
    yield Text(f"\n{finding.severity.upper()} {finding.name}: {finding.title}", style)
    lines = {
        "seen": finding.evidence,
        "cause": finding.cause,
        "remedy": finding.remedy,
        "see": finding.reference,
    }
    for name, text in lines.items():
        # Not a grid, which pads its lines with blanks.
        head = f"  {name:7}"
        filled = textwrap.wrap(clean(text), width - len(head))
        yield Text.assemble((head, "dim"), f"\n{'':{len(head)}}".join(filled))
