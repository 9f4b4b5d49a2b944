"""What a comparison prints: a table on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

# What the summary shows of each task.
COLUMNS = {
    "binary": (
        "f1_half",
        "recall_half",
        "f1_searched",
        "average_precision",
        "auc",
        "ece",
    ),
    "multilabel": (
        "macro_f1_half",
        "macro_f1_global",
        "macro_f1_searched",
        "macro_recall_half",
        "macro_auc",
        "fraction_above_half",
    ),
    "multiclass": (
        "accuracy",
        "macro_f1",
        "balanced_accuracy",
        "ece",
        "entropy",
        "noisy_accuracy",
    ),
    "heatmap": ("average_precision", "f1_searched"),
}
# At most so many columns of numbers that are compared with mathematics.
_THEORY = 6

_WORDS = {
    "f1": "F1",
    "half": "@ 0.5",
    "auc": "AUC",
    "ap": "AP",
    "ece": "ECE",
    "average_precision": "AP",
    "fraction_above_half": "share above 0.5",
}


def label(metric: str) -> str:
    """Returns a metric's name as people write it.

    Example:
        >>> label("macro_f1_half")
        'macro F1 @ 0.5'
    """
    if metric in _WORDS:
        return _WORDS[metric]
    return " ".join(_WORDS.get(word, word) for word in metric.split("_"))


def show(console: Console, name: str, found: dict[str, Any], task: str) -> None:
    """Prints one data set's results and verdicts.

    Strategies are contrasted with the first one only; all pairs are in the outcome.
    """
    _show_metrics(console, name, found, COLUMNS[task])
    _table(
        console,
        f"{name}: lockstep in float64",
        ("strategy", "backend", "updates", "worst distance / bound", "verdict"),
        _lockstep_rows(found["lockstep"]),
    )
    tested = found["equivalence"]
    level = f"{_percent(tested)} interval"
    _table(
        console,
        f"{name}: backends, paired seeds, two one-sided tests on the main metric",
        ("backends", "strategy", "n", f"difference, {level}", "margin", "verdict"),
        _equivalence_rows(tested),
    )
    baseline = next(iter(found["lockstep"]), "")
    against = [row for row in found["contrasts"] if row["first"] == baseline]
    _table(
        console,
        f"{name}: strategies, paired seeds, difference from {baseline} with "
        f"{_percent(against)} interval of each",
        ("strategy", "metric", *found["summary"], "verdict"),
        _contrast_rows(against),
    )
    _table(
        console,
        f"{name}: the source's rankings, on {', '.join(found['summary'])}",
        ("claim", "metric", "mean is higher", "deviation is lower"),
        _claim_rows(found["claims"]),
    )
    for strategy, reason in found["not_run"].items():
        line = f"{name}: {strategy}: not run: {reason}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _show_metrics(
    console: Console, name: str, found: dict[str, Any], metrics: tuple[str, ...]
) -> None:
    bayes = found["bayes_f1"]
    best = "" if bayes is None else f", best attainable F1 {bayes:.3f}"
    _table(
        console,
        f"{name}: test metrics, mean±standard deviation over seeds{best}",
        ("strategy", "backend", *map(label, metrics)),
        _rows(found["summary"], metrics, _spread),
    )
    names = {
        name: None
        for by_strategy in found["theory"].values()
        for cell in by_strategy.values()
        for name in cell
    }
    shown = tuple(names)[:_THEORY]
    _table(
        console,
        f"{name}: against the known posterior, mean±half an interval over seeds",
        ("strategy", "backend", *map(label, shown)),
        _rows(found["theory"], shown, _half_interval) if shown else [],
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
    """Returns a row for each strategy and metric, with a column for each backend."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in contrasts:
        key = row["second"], label(row["metric"])
        groups.setdefault(key, []).append(row)
    return [
        (*key, *map(_half_interval, rows), _joined(row["verdict"] for row in rows))
        for key, rows in groups.items()
    ]


def _claim_rows(claims: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in claims:
        key = row["claim"], label(row["metric"])
        groups.setdefault(key, []).append(row)
    return [
        (*key, _joined(r["mean"] for r in rows), _joined(r["stability"] for r in rows))
        for key, rows in groups.items()
    ]


def _joined(verdicts: Iterable[str]) -> str:
    """Returns the verdict that all backends share, or all of them in their order."""
    listed = list(verdicts)
    return listed[0] if len(set(listed)) == 1 else "/".join(listed)


def _rows(
    numbers: dict[str, Any],
    names: tuple[str, ...],
    text: Callable[[dict[str, Any]], str],
) -> list[tuple[str, ...]]:
    """Returns a row for each strategy and backend; what one does not have is a dash."""
    strategies = next(iter(numbers.values()))
    return [
        (
            strategy,
            backend,
            *(text(cell[name]) if name in cell else "-" for name in names),
        )
        for strategy in strategies
        for backend, by_strategy in numbers.items()
        for cell in (by_strategy[strategy],)
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
    if not rows:
        return
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


def _percent(rows: list[dict[str, Any]]) -> str:
    return f"{100.0 * rows[0]['level']:.3g} %" if rows else ""
