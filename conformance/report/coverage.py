"""How much of what an implementation claims it has let itself be asked.

An argument that a function lacks is no deviation: what is there is judged, and the
status is that of what was judged. But an operation of which more is declined than
judged does not go by without a word, and its plainest call must be answered in any
case: the profile ``fresh`` fails where it is declined.
"""

from collections import Counter
from collections.abc import Iterable

from conformance.profiles import Result

JUDGED = ("pass", "fail", "errored")


def partial(results: Iterable[Result]) -> dict[str, dict[str, tuple[int, int]]]:
    """Finds operations that are claimed and mostly declined.

    Args:
        results: All results of a run.

    Returns:
        By implementation and operation: how many results were declined, and of how
        many.
    """
    counts: dict[tuple[str, str], Counter[bool]] = {}
    for result in results:
        if result.profile != "all":
            of_one = counts.setdefault((result.impl, result.operation), Counter())
            of_one[result.status in JUDGED] += 1
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for (impl, operation), judged in counts.items():
        if judged[False] > judged[True]:
            found.setdefault(impl, {})[operation] = (judged[False], judged.total())
    return found


def sentences(results: Iterable[Result]) -> list[str]:
    """Says the same in words, a line for each operation."""
    return [
        f"{impl}: {operation} is judged in part: {declined} of {total} results declined"
        for impl, operations in partial(results).items()
        for operation, (declined, total) in operations.items()
    ]
