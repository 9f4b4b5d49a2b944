"""Differences of strategies over paired seeds, on every data set and backend."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.training.equivalence import HIGHER, LOWER, paired, spread_verdict
from conformance.training.ledger.claim import (
    Verdict,
    fails,
    holds,
    holds_when,
    undetermined,
)
from conformance.training.ledger.runs import Cell, MissingRunError, Runs
from conformance.training.ledger.wording import signed

# A plain dictionary, as evidence is written and read as JSON.
Row = dict[str, Any]
# Of every interval and test. A claim looks at several data sets and scores, and one of
# them is not to make it hold by chance.
LEVEL = 0.99
TOO_WIDE = "The intervals are too wide to tell."
# Fewer seeds show nothing about a spread, and do not show the lack of anything.
SEEDS = 8

Measure = Callable[[Cell], NDArray[np.float64]]
Named = Callable[[str], bool]


def metric(name: str) -> Measure:
    """Returns what reads a metric of a cell.

    Raises:
        MissingRunError: The cell does not have it.
    """

    def read(cell: Cell) -> NDArray[np.float64]:
        if name not in cell.metrics:
            raise MissingRunError(
                f"The run measured no {name}: repeat it with this version."
            )
        return cell.metrics[name]

    return read


def contrast(
    runs: Runs,
    recipe: str,
    measure: str | Measure,
    *,
    first: str,
    second: str,
    first_measure: str | Measure | None = None,
    data: Named | None = None,
    spreads: bool = False,
) -> list[Row]:
    """Subtracts one strategy from another, seed by seed.

    Args:
        runs: Records of training.
        recipe: That has both.
        measure: Metric, or what reads numbers off a cell.
        first: Strategy that is subtracted.
        second: Strategy that it is subtracted from.
        first_measure: Of ``first``, if another.
        data: Tells names of the data sets to look at; None is all.
        spreads: Whether to compare the spreads over seeds as well.

    Returns:
        A row for each data set and backend: both means, and mean and interval of the
        difference.

    Raises:
        MissingRunError: No data set has both.
    """
    rows = []
    for name in _names(runs, recipe, data):
        before = runs.cells(recipe, name, first)
        after = runs.cells(recipe, name, second)
        for backend in before.keys() & after.keys():
            a, b = _shared(before[backend], after[backend])
            low = _read(first_measure or measure, before[backend])[a]
            high = _read(measure, after[backend])[b]
            row = {"data": name, "backend": backend, **_difference(low, high)}
            rows.append(row | (_spreads(low, high) if spreads else {}))
    if not rows:
        raise _missing(recipe, f"{first} and {second}", data)
    return sorted(rows, key=lambda row: (row["data"], row["backend"]))


def _read(measure: str | Measure, cell: Cell) -> NDArray[np.float64]:
    return (metric(measure) if isinstance(measure, str) else measure)(cell)


def _shared(first: Cell, second: Cell) -> tuple[list[int], list[int]]:
    """Places of the seeds that both have."""
    seeds = [seed for seed in first.seeds if seed in second.seeds]
    return (
        [first.seeds.index(seed) for seed in seeds],
        [second.seeds.index(seed) for seed in seeds],
    )


def _interval(a: NDArray[np.float64], b: NDArray[np.float64]) -> Row:
    # The margin is of a test that is not looked at.
    difference = paired(a, b, margin=1.0, level=LEVEL)
    return {
        "n": difference.n,
        "mean": difference.mean,
        "low": float(difference.low),
        "high": float(difference.high),
    }


def _difference(a: NDArray[np.float64], b: NDArray[np.float64]) -> Row:
    means = {"first": float(a.mean()), "second": float(b.mean())}
    return _interval(a, b) | means


def _spreads(a: NDArray[np.float64], b: NDArray[np.float64]) -> Row:
    first, second = (np.std(own, ddof=1) if own.size > 1 else np.nan for own in (a, b))
    return {
        "first spread": float(first),
        "second spread": float(second),
        "spread": spread_verdict(a, b, alpha=1 - LEVEL),
    }


def levels(
    runs: Runs,
    recipe: str,
    measure: str | Measure,
    strategy: str,
    *,
    data: Named | None = None,
) -> list[Row]:
    """Returns the mean of a strategy on every data set and backend, with interval.

    Raises:
        MissingRunError: No data set has it.
    """
    rows = [
        {"data": name, "backend": backend, **_interval(np.zeros(values.size), values)}
        for name in _names(runs, recipe, data)
        for backend, cell in sorted(runs.cells(recipe, name, strategy).items())
        for values in [_read(measure, cell)]
    ]
    if not rows:
        raise _missing(recipe, strategy, data)
    return rows


def if_run(*args: Any, **options: Any) -> list[Row]:
    """Returns a contrast as :func:`contrast` does; nothing where it was not run."""
    try:
        return contrast(*args, **options)
    except MissingRunError:
        return []


def _names(runs: Runs, recipe: str, data: Named | None) -> list[str]:
    return [name for name in runs.data(recipe) if data is None or data(name)]


def _missing(recipe: str, strategies: str, data: Named | None) -> MissingRunError:
    where = "" if data is None else " on the data that this is about"
    return MissingRunError(
        f"No run of {recipe} has {strategies}{where}: `conformance compare {recipe}` "
        "makes it."
    )


def where(
    rows: Iterable[Row], test: Callable[[Row], bool]
) -> tuple[list[str], list[str]]:
    """Splits data sets by a test that every backend must pass.

    Returns:
        Names of those that pass, and of the others.
    """
    by_data: dict[str, bool] = {}
    for row in rows:
        by_data[row["data"]] = by_data.get(row["data"], True) and test(row)
    passing = [name for name, good in by_data.items() if good]
    return passing, [name for name, good in by_data.items() if not good]


def rises(row: Row) -> bool:
    """Whether the second strategy is higher, by the interval."""
    return row["low"] > 0


def falls(row: Row) -> bool:
    """Whether the second strategy is lower, by the interval."""
    return row["high"] < 0


def higher(families: Sequence[Sequence[Row]], told: str, *, asserted: float) -> Verdict:
    """Judges that the second strategy is higher, wherever it was tried.

    Args:
        families: Rows of every contrast that it is to be higher in.
        told: Sentence of the verdict.
        asserted: Difference that the source asserts, or the least that would matter.

    Returns:
        Holds where every interval lies above 0 and does not exclude what is asserted,
        on every backend; on some data sets, holds when it is those. Fails where it does
        so nowhere, and some contrast excludes what is asserted on a data set.
    """
    shown, others = where(
        (row for rows in families for row in rows),
        lambda row: rises(row) and row["high"] >= asserted,
    )
    if not others:
        return holds(told)
    if shown:
        return holds_when(f"trained on {' or '.join(shown)}", told)
    if refuted([(rows, asserted) for rows in families]):
        return fails(told)
    return undetermined(f"{told} {TOO_WIDE}")


def refuted(steps: Sequence[tuple[Sequence[Row], float]]) -> bool:
    """Tells whether a ranking is wrong on some data set.

    Args:
        steps: Rows of each step of the ranking, and the difference that is asserted.

    Returns:
        Whether the intervals of some step exclude what is asserted there, on every
        backend.
    """
    return any(
        where(rows, lambda row, asserted=asserted: row["high"] < asserted)[0]
        for rows, asserted in steps
    )


def steadier(families: Sequence[Sequence[Row]]) -> list[str]:
    """Returns data sets where the second varies less over seeds in every family."""
    return _varying(families, LOWER)


def unsteadier(families: Sequence[Sequence[Row]]) -> list[str]:
    """Returns data sets where the second varies more over seeds in every family."""
    return _varying(families, HIGHER)


def _varying(families: Sequence[Sequence[Row]], wanted: str) -> list[str]:
    shown, _ = where(
        (row for rows in families for row in rows), lambda row: row["spread"] == wanted
    )
    return shown


def about(shown: Mapping[str, Sequence[str]]) -> str:
    """Says what is shown, and on which data.

    Example:
        >>> about({"recall": ["digits", "wine"], "precision": []})
        'it is only about recall on digits and wine'
    """
    parts = [f"{what} on {' and '.join(own)}" for what, own in shown.items() if own]
    return f"it is only about {', '.join(parts)}"


def ratios(rows: Sequence[Row]) -> str:
    """Says the range of the ratios of the second spread to the first."""
    found = [row["second spread"] / row["first spread"] for row in rows]
    return ranged(found, "{:.2f}")


def differences(rows: Sequence[Row]) -> str:
    """Says the range of the differences."""
    return ranged([row["mean"] for row in rows], "{:+.3f}")


def ranged(values: Sequence[float], form: str = "{:.3f}") -> str:
    """Says the range of numbers.

    Example:
        >>> ranged([0.25, 0.125]), ranged([0.5, 0.5])
        ('0.125 to 0.250', '0.500')
    """
    low, high = signed(min(values), form), signed(max(values), form)
    return low if low == high else f"{low} to {high}"


def enough(rows: Iterable[Row]) -> bool:
    """Whether there are seeds enough to say that something does not show."""
    return all(row["n"] >= SEEDS for row in rows)
