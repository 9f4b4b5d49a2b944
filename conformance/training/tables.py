"""What a comparison prints: a table on a terminal, plain lines elsewhere."""

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
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
_CALIBRATED = ("raw", "corrected")
# What stands for all backends, where it ran: the others hardly differ from it.
_SHOWN = "torch"

# Of a table, its columns and rows.
Lines = tuple[tuple[str, ...], list[tuple[str, ...]]]

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
    """Prints one data set's results and verdicts, a line for each strategy.

    Numbers are those of one backend; verdicts, and how far the others are from it, are
    about all. Strategies are contrasted with the first one only. The outcome has
    everything.
    """
    shown = _SHOWN if _SHOWN in found["summary"] else next(iter(found["summary"]))
    best = found["bayes_f1"]
    attainable = "" if best is None else f", best attainable F1 {best:.3f}"
    _table(
        console,
        f"{name}: test metrics on {shown}, mean±standard deviation over "
        f"seeds{attainable}",
        *_metrics(found["summary"], shown, COLUMNS[task]),
    )
    _table(
        console,
        f"{name}: lockstep in float64, worst distance over bound",
        *_lockstep(found["lockstep"]),
    )
    _table(console, f"{name}: {_tested(found)}", *_equivalence(found["equivalence"]))
    baseline = next(iter(found["lockstep"]), "")
    against = [row for row in found["contrasts"] if row["first"] == baseline]
    _table(
        console,
        f"{name}: difference from {baseline} on {shown}, paired seeds, with "
        f"{_percent(against)} interval of each, verdicts of all backends",
        *_contrasts(against, shown),
    )
    _table(
        console,
        f"{name}: the source's rankings, on {', '.join(found['summary'])}",
        ("claim", "metric", "mean is higher", "deviation is lower"),
        _claim_rows(found["claims"]),
    )
    _table(console, f"{name}: {_expected(found, shown)}", *_theory(found, shown))
    for strategy, reason in found["not_run"].items():
        line = f"{name}: {strategy}: not run: {reason}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def overview(
    console: Console, finished: Iterable[tuple[dict[str, Any], float, Path]]
) -> None:
    """Prints a line for each recipe.

    Args:
        console: Where to print.
        finished: Outcomes, with the seconds that each took and where it was written.
    """
    rows = [
        (
            outcome["recipe"]["name"],
            outcome["verdict"],
            str(len(outcome["failures"])),
            str(len(set(chain(*(d["lockstep"] for d in outcome["data"].values()))))),
            str(len(outcome["data"])),
            f"{seconds:.0f}",
            str(path),
        )
        for outcome, seconds, path in finished
    ]
    columns = "recipe", "verdict", "failures", "strategies", "data sets", "seconds"
    _table(console, "all recipes", (*columns, "outcome"), rows)


def _metrics(summary: dict[str, Any], shown: str, asked: tuple[str, ...]) -> Lines:
    cells = summary[shown]
    # Heat maps among binary data have fewer.
    names = [n for n in asked if any(n in cell for cell in cells.values())]
    several = len(summary) > 1
    rows = []
    for strategy, cell in cells.items():
        numbers = [_spread(cell[n]) if n in cell else "-" for n in names]
        apart = [
            np.ptp([own[strategy][n]["mean"] for own in summary.values()])
            for n in names
            if n in cell
        ]
        # NaN must show.
        rows.append((strategy, *numbers, *[f"{np.max(apart):.1e}"] * several))
    last = ["backends apart by at most"] * several
    return ("strategy", *map(label, names), *last), rows


def _lockstep(lockstep: dict[str, Any]) -> Lines:
    judged = {name: cell for name, cell in lockstep.items() if cell["verdict"]}
    backends = tuple(next(iter(judged.values()))["verdict"]) if judged else ()
    rows = []
    for strategy, cell in judged.items():
        horizon, bound = cell["horizon"], cell["bound"]
        # Beyond the horizon nothing is judged; NaN must show.
        worst = [
            f"{np.max(np.divide(cell['distances'][name], bound)[:horizon]):.3g}"
            if horizon
            else "-"
            for name in backends
        ]
        reached = f"{horizon} of {len(bound)}"
        rows.append((strategy, reached, *worst, _joined(cell["verdict"].values())))
    return ("strategy", "updates", *backends, "verdict"), rows


def _tested(found: dict[str, Any]) -> str:
    rows = found["equivalence"]
    if not rows:
        return ""
    return (
        f"all pairs of {', '.join(found['summary'])}, paired seeds, two one-sided "
        f"tests of {label(rows[0]['metric'])} within ±{rows[0]['margin']}"
    )


def _equivalence(equivalence: list[dict[str, Any]]) -> Lines:
    """Returns a line for each strategy: the pair that differs most, all verdicts."""
    level = f"{_percent(equivalence)} interval"
    rows = []
    for strategy, pairs in _grouped(equivalence, "strategy").items():
        # What has no number differs most.
        most = max(pairs, key=lambda r: np.inf if r["mean"] is None else abs(r["mean"]))
        rows.append(
            (
                strategy,
                str(most["n"]),
                f"{most['second']} - {most['first']}",
                _interval(most),
                _joined(row["verdict"] for row in pairs),
            )
        )
    largest = f"largest difference, {level}"
    return ("strategy", "n", "of", largest, "verdict"), rows


def _contrasts(contrasts: list[dict[str, Any]], shown: str) -> Lines:
    """Returns a line for each strategy, with a column for each metric."""
    metrics = dict.fromkeys(row["metric"] for row in contrasts)
    rows = []
    for strategy, own in _grouped(contrasts, "second").items():
        by_metric = _grouped(own, "metric")
        cells = [
            " ".join(
                (
                    *(_half_interval(row) for row in same if row["backend"] == shown),
                    _joined(row["verdict"] for row in same),
                )
            )
            for same in by_metric.values()
        ]
        rows.append((strategy, *cells))
    return ("strategy", *map(label, metrics)), rows


def _claim_rows(claims: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    return [
        (
            claim,
            label(metric),
            _joined(row["mean"] for row in rows),
            _joined(row["stability"] for row in rows),
        )
        for claim, own in _grouped(claims, "claim").items()
        for metric, rows in _grouped(own, "metric").items()
    ]


def _expected(found: dict[str, Any], shown: str) -> str:
    if not any(found["theory"]["follows"].values()):
        return f"with the link of each loss undone, on {shown}"
    return (
        f"against the known posterior, where theory expects slope 1 and offset 0, on "
        f"{shown}, verdicts of all backends"
    )


def _theory(found: dict[str, Any], shown: str) -> Lines:
    """Returns a line for each strategy that has a link."""
    theory = found["theory"]
    follows, shares = theory["follows"], theory["threshold_share"]
    known = any(follows.values())
    rows = []
    for strategy, cell in theory["measured"][shown].items():
        if not cell:
            continue
        errors = (f"{cell[f'ece_{kind}']['mean']:.3f}" for kind in _CALIBRATED)
        rows.append(
            (
                strategy,
                *(_fitted(follows, shown, strategy) if known else ()),
                " → ".join(errors),
                *_gained(shares[shown].get(strategy)),
            )
        )
    lines = ("slope", "offset", "verdict") if known else ()
    gains = "F1 gain @ 0.5", "threshold's share of it"
    return ("strategy", *lines, "ECE, corrected", *gains), rows


def _fitted(follows: dict[str, Any], shown: str, strategy: str) -> tuple[str, ...]:
    own = follows[shown][strategy]
    verdicts = _joined(cells[strategy]["verdict"] for cells in follows.values())
    return _ends(own["slope"]), _ends(own["offset"]), verdicts


def _gained(found: dict[str, Any] | None) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    share = found["share"]
    return _half_interval(found["gain"]), _ends(share, "value") if share else "-"


def _grouped(rows: list[dict[str, Any]], key: str) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(row[key], []).append(row)
    return groups


def _joined(verdicts: Iterable[str]) -> str:
    """Returns the verdict that all share, or all of them in their order."""
    listed = list(verdicts)
    return listed[0] if len(set(listed)) == 1 else "/".join(listed)


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
    ends = (_number(row[end], "+.1e") for end in ("low", "high"))
    return f"{_number(row['mean'], '+.1e')} [{', '.join(ends)}]"


def _ends(row: dict[str, Any], middle: str = "mean") -> str:
    ends = (_number(row[end], "z.2f") for end in ("low", "high"))
    return f"{_number(row[middle], 'z.2f')} [{', '.join(ends)}]"


def _half_interval(row: dict[str, Any]) -> str:
    low, high = row["low"], row["high"]
    half = None if low is None else (high - low) / 2.0
    return f"{_number(row['mean'], '+.3f')}±{_number(half, '.3f')}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None or not np.isfinite(value) else format(value, form)


def _percent(rows: list[dict[str, Any]]) -> str:
    return f"{100.0 * rows[0]['level']:.3g} %" if rows else ""
