"""Levels in words, for the summary of a run."""

from collections.abc import Collection, Iterable, Iterator

from conformance.levels import HELD, LOST, Standing, standings
from conformance.profiles import Result


def sentences(results: Iterable[Result], profiles: Collection[str]) -> Iterator[str]:
    """Says which levels every implementation holds and loses.

    Args:
        results: Of a complete run that asked every case.
        profiles: Profiles that it asked.

    Yields:
        A line for each implementation and each way of standing, with the operations
        that stand so.
    """
    alike: dict[tuple[str, str], list[str]] = {}
    for (impl, operation), standing in standings(results, profiles).items():
        if standing.judged:
            alike.setdefault((impl, _said(standing)), []).append(operation)
    ways = [impl for impl, _ in alike]
    for (impl, said), operations in sorted(alike.items()):
        every = ways.count(impl) == 1 and len(operations) > 1
        where = f"all {len(operations)} operations that it has"
        yield f"{impl} {said} in {where if every else ', '.join(operations)}"


def _said(standing: Standing) -> str:
    def those(state: str) -> str:
        return " ".join(k for k, v in standing.levels.items() if v == state)

    held, lost = those(HELD), those(LOST)
    part = " in part" if standing.partial else ""
    phrases = [f"holds {held}{part}"] if held else []
    phrases += [f"loses {lost}"] if lost else []
    return ", ".join(phrases) or "holds no level that is known"
