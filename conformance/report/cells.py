"""Results by operation, dtype and implementation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from conformance.budgets import UNIT_ROUNDOFF
from conformance.profiles import Result
from conformance.registry import OPERATIONS
from conformance.report.counts import Tally
from conformance.report.facts import FAULTS, place

# Dtype of a result that holds of all of them.
EVERY = "all"


@dataclass(frozen=True)
class Cell:
    """Results on one operation, in one dtype, by one implementation.

    Attributes:
        value: The result with the worst value; None where none was counted in units.
        gradient: Likewise of the gradients.
        tally: Counts of all of them.
    """

    value: Result | None
    gradient: Result | None
    tally: Tally

    @property
    def bad(self) -> bool:
        """Whether anything failed or broke."""
        return any(self.tally.statuses[status] for status in FAULTS)


def cells(results: Iterable[Result]) -> dict[tuple[str, str], dict[str, Cell]]:
    """Arranges results by operation and dtype, then by implementation.

    Args:
        results: Of a run.

    Returns:
        Operations in the order of the registry, dtypes from wide to narrow. What holds
        of every dtype stands beside each.
    """
    found: dict[tuple[str, str], dict[str, list[Result]]] = {}
    for result in results:
        row = found.setdefault((result.operation, result.dtype), {})
        row.setdefault(result.impl, []).append(result)
    for operation in dict.fromkeys(operation for operation, _ in found):
        rows = [key for key in found if key[0] == operation and key[1] != EVERY]
        if rows and (operation, EVERY) in found:
            general = found.pop((operation, EVERY))
            for key in rows:
                found[key] = {**general, **found[key]}
    return {
        key: {impl: _cell(own) for impl, own in found[key].items()}
        for key in sorted(found, key=_rank)
    }


def _rank(key: tuple[str, str]) -> tuple[int, int]:
    return place(key[0], OPERATIONS), place(key[1], UNIT_ROUNDOFF)


def _cell(results: Sequence[Result]) -> Cell:
    tally = Tally()
    for result in results:
        tally.add(result)
    gradients = [result for result in results if result.output.startswith("grad_")]
    values = [result for result in results if not result.output.startswith("grad_")]
    return Cell(worst_of(values), worst_of(gradients), tally)


def worst_of(results: Iterable[Result]) -> Result | None:
    """The result with the largest error; None where none was counted in units.

    Args:
        results: Any results.
    """
    counted_in_units = (result for result in results if result.worst is not None)
    return max(counted_in_units, key=_size, default=None)


def _size(result: Result) -> float:
    worst = result.worst
    # A NaN is larger than any number.
    return float("inf") if worst is None or worst != worst else worst
