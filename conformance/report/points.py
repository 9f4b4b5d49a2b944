"""From a failed result to the case that reproduces it."""

from functools import cache

from conformance import vectors
from conformance.profiles import Result
from conformance.registry import OPERATIONS
from conformance.report.terminal import again_command, repro_command


def point_of(result: Result) -> str:
    """Finds the id that leads to the case of a result.

    Args:
        result: A failed result.

    Returns:
        Its first failure, or where it is worst, or its sum, or the first point of its
        group; empty for a check without points.
    """
    known, firsts = _ids(result.operation)
    wanted = [failure.id for failure in result.failures[:1]]
    for name in (*wanted, result.worst_id, result.group):
        if name in known:
            return name
    return firsts.get(result.group, "")


def command_of(result: Result) -> str:
    """The command that prints a script for it, or asks a check without points again.

    Args:
        result: A failed result.
    """
    point = point_of(result)
    return repro_command(result, point) if point else again_command(result)


@cache
def _ids(operation: str) -> tuple[frozenset[str], dict[str, str]]:
    """Ids of all points and sums of an operation, and the first id of each group."""
    if operation not in OPERATIONS:
        return frozenset(), {}
    file = vectors.load(operation)
    points = (point for group in file.groups for point in group.ids)
    sums = (case.id for case in file.sums)
    firsts = {group.path: group.ids[0] for group in file.groups if group.ids}
    return frozenset((*points, *sums)), firsts
