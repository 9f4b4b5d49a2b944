"""What a comparison prints: a table on a terminal, plain lines elsewhere."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

COLUMNS = {
    "f1_half": "F1 @ 0.5",
    "f1_searched": "F1 searched",
    "recall_searched": "recall",
    "precision_searched": "precision",
    "average_precision": "AP",
}


def show(console: Console, name: str, found: dict[str, Any]) -> None:
    """Prints one data set's results and verdicts."""
    bayes = found["bayes_f1"]
    best = "" if bayes is None else f", best attainable F1 {bayes:.3f}"
    _table(
        console,
        f"{name}: test metrics, mean±standard deviation over seeds{best}",
        ("strategy", "backend", *COLUMNS.values()),
        _summary_rows(found["summary"]),
    )
    _table(
        console,
        f"{name}: lockstep in float64",
        ("strategy", "backend", "updates", "worst distance / bound", "verdict"),
        _lockstep_rows(found["lockstep"]),
    )
    _table(
        console,
        f"{name}: backends, paired seeds, two one-sided tests on the main metric",
        ("backends", "strategy", "n", "difference, 90 % interval", "margin", "verdict"),
        _equivalence_rows(found["equivalence"]),
    )
    _table(
        console,
        f"{name}: strategies, paired seeds, difference with 95 % interval",
        ("strategies", "metric", *found["summary"], "verdict"),
        _contrast_rows(found["contrasts"]),
    )
    _table(
        console,
        f"{name}: the source's rankings, on {', '.join(found['summary'])}",
        ("claim", "metric", "mean is higher", "deviation is lower"),
        _claim_rows(found["claims"]),
    )


def _equivalence_rows(equivalence: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (
            f"{row['second']} - {row['first']}",
            row["strategy"],
            str(row["n"]),
            _interval(row),
            f"±{row['margin']}",
            row["verdict"],
        )
        for row in equivalence
    ]


def _contrast_rows(contrasts: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Returns a row for each pair and metric, with a column for each backend."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in contrasts:
        key = f"{row['second']} - {row['first']}", COLUMNS[row["metric"]]
        groups.setdefault(key, []).append(row)
    return [
        (*key, *map(_half_interval, rows), _joined(row["verdict"] for row in rows))
        for key, rows in groups.items()
    ]


def _claim_rows(claims: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in claims:
        key = row["claim"], COLUMNS[row["metric"]]
        groups.setdefault(key, []).append(row)
    return [
        (*key, _joined(r["mean"] for r in rows), _joined(r["stability"] for r in rows))
        for key, rows in groups.items()
    ]


def _joined(verdicts: Iterable[str]) -> str:
    """Returns the verdict that all backends share, or all of them in their order."""
    listed = list(verdicts)
    return listed[0] if len(set(listed)) == 1 else "/".join(listed)


def _summary_rows(summary: dict[str, Any]) -> list[tuple[str, ...]]:
    strategies = next(iter(summary.values()))
    return [
        (
            strategy,
            backend,
            *(_spread(by_strategy[strategy][metric]) for metric in COLUMNS),
        )
        for strategy in strategies
        for backend, by_strategy in summary.items()
    ]


def _lockstep_rows(lockstep: dict[str, Any]) -> list[tuple[str, ...]]:
    rows = []
    for strategy, cell in lockstep.items():
        for backend, verdict in cell["verdict"].items():
            horizon, bound = cell["horizon"], cell["bound"]
            # Beyond the horizon nothing is judged; NaN must show.
            ratios = np.divide(cell["distances"][backend], bound)[:horizon]
            worst = f"{np.max(ratios):.3g}" if horizon else "-"
            reached = f"{horizon} of {len(bound)}"
            rows.append((strategy, backend, reached, worst, verdict))
    return rows


def _table(
    console: Console, title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]
) -> None:
    if console.is_terminal:
        table = Table(*columns, title=title, title_justify="left", box=SIMPLE_HEAD)
        for row in rows:
            table.add_row(*row)
        console.print(table)
        return
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    console.print(f"\n{title}", soft_wrap=True, highlight=False, markup=False)
    for row in (columns, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        line = "  ".join(cells).rstrip()
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _spread(cell: dict[str, float | None]) -> str:
    spread = "" if cell["sd"] is None else f"±{cell['sd']:.3f}"
    return f"{cell['mean']:.3f}{spread}"


def _interval(row: dict[str, Any]) -> str:
    if row["low"] is None:
        return f"{row['mean']:+.1e} [-, -]"
    return f"{row['mean']:+.1e} [{row['low']:+.1e}, {row['high']:+.1e}]"


def _half_interval(row: dict[str, Any]) -> str:
    half = "-" if row["low"] is None else f"{(row['high'] - row['low']) / 2.0:.3f}"
    return f"{row['mean']:+.3f}±{half}"
