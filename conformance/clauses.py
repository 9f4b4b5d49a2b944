"""Which clause of the specification a failed result departs from.

Clauses about the points that failed come before those about the output, and a clause
that holds of all of these points before one that holds of some.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from conformance import clause_tables as tables
from conformance import vectors
from conformance.budgets import MEANINGFUL
from conformance.registry import GENERAL, OPERATIONS, Rule
from conformance.registry.citations import clauses as every_clause
from conformance.vectors import Group, class_axis

if TYPE_CHECKING:
    from conformance.adapters.protocol import Array
    from conformance.profiles.judge import Result
    from conformance.profiles.unit import Unit
    from conformance.vectors import Case

Evidence = Mapping[str, Any]

# A result names few clauses, and looks at few points for them.
MOST = 4
LOOKED_AT = 64


def gist(clause: str) -> str:
    """What a clause says, in short."""
    return every_clause()[clause]


def cite(result: "Result", points: Sequence[Evidence] = ()) -> "Result":
    """Names the clauses that a failed result departs from.

    Args:
        result: Any result; one that passed, or has clauses, stays as it is, and so
            does one that speaks against the adapter alone.
        points: Arguments of the points that failed, from :func:`evidence`.

    Returns:
        The result with its clauses, the most specific first.
    """
    named = bool(result.clauses) or result.reason.startswith("adapter")
    if named or result.status not in ("fail", "errored"):
        return result
    return replace(result, clauses=departures(result, points))


def departures(result: "Result", points: Sequence[Evidence] = ()) -> tuple[str, ...]:
    """The clauses that a result departs from; at least one, the most specific first."""
    whole = (*_by_form(result), *tables.by_question(result))
    if whole:
        return whole
    context = {"output": result.output, "meant": _meant(result)}
    told = [{**context, **point} for point in points]
    refused = tuple(_holding(tables.REFUSED, told))
    if refused:
        return refused
    positional = OPERATIONS[result.operation].positional
    asking = tables.by_asking(result)
    found = [
        *asking.before,
        *tables.by_sentence(result),
        *_by_points(result, told),
        _answer(result.operation, result.output),
        *asking.after,
        *tables.by_output(result.output, positional[0]),
    ]
    inaccurate = result.lost == "L2" and math.isfinite(result.worst or 0.0)
    found += ["GEN-18"] * inaccurate
    return tuple(dict.fromkeys(found))[:MOST]


def evidence(unit: "Unit", ids: Iterable[str]) -> list[Evidence]:
    """Collects the arguments of failed points.

    Args:
        unit: What was asked.
        ids: Ids of the failed points; of a sum, its id stands for all its points.

    Returns:
        For each of them, or of the first few, all arguments and the flags.
    """
    case = unit.case
    shared = {**_defaults(unit.operation), **case.params, **_lists(case.arrays)}
    if not isinstance(case, Group):
        rows = min(len(points) for points in case.points.values())
        places: Iterable[int] = range(rows)
        inputs, shape = case.points, (rows,)
        shared["tile"] = case.tile
    else:
        number = {name: i for i, name in enumerate(unit.ids)}
        places = [number[name] for name in dict.fromkeys(ids) if name in number]
        inputs, shape = case.inputs, case.shape
        shared["policy"] = case.policy
    shared["family"] = case.family
    return [
        {
            **shared,
            **{k: _row(case, v, shape, i) for k, v in inputs.items()},
            "flags": case.flags[i] if isinstance(case, Group) else case.flags,
        }
        for i in list(places)[:LOOKED_AT]
    ]


def of_point(
    operation: str, outputs: Iterable[str], flags: Iterable[str]
) -> dict[str, list[str]]:
    """The clauses that a point asks about.

    Args:
        operation: Name of the operation.
        outputs: Outputs that are known of the point.
        flags: Flags of the point.

    Returns:
        By clause the outputs that answer; none where a flag names it.
    """
    asked: dict[str, list[str]] = {}
    for output in sorted(outputs, key=lambda output: output.startswith("grad_")):
        asked.setdefault(_answer(operation, output), []).append(output)
    known = vectors.notes()
    for clause in (name for flag in flags for name in known[flag]["clauses"]):
        if clause in OPERATIONS[operation].clauses or clause in GENERAL:
            asked.setdefault(clause, [])
    return asked


def _meant(result: "Result") -> bool:
    """Whether a number is off by more than rounding and lost digits would explain."""
    return any(
        abs(one.actual - one.expected) > MEANINGFUL * abs(one.expected)
        for one in result.failures
    )


def _by_form(result: "Result") -> Iterator[str]:
    """Clauses about what came back, whatever the numbers in it."""
    selects = OPERATIONS[result.operation].returns == "selection"
    if result.reason.startswith("came back as"):
        yield "GEN-6"
    if result.reason.startswith("shape"):
        # A selection of another length was counted otherwise.
        yield "MINE-1" if selects else "GEN-2"


def _by_points(result: "Result", points: Sequence[Evidence]) -> Iterator[str]:
    """Clauses about all points that failed, or else about some of them."""
    topics = {**OPERATIONS[result.operation].topics, **tables.POINTS}
    every = tuple(_holding(topics, points))
    if every:
        yield from every
        return
    some = {c: rule for c, rule in topics.items() if any(map(rule, points))}
    # What leaves points unexplained is said after what is true of the output.
    if not all(any(rule(point) for rule in some.values()) for point in points):
        yield _answer(result.operation, result.output)
    yield from some


def _holding(rules: Mapping[str, Rule], points: Sequence[Evidence]) -> Iterator[str]:
    """Clauses whose rule holds of all points."""
    yield from (c for c, rule in rules.items() if points and all(map(rule, points)))


def _answer(operation: str, output: str) -> str:
    """The clause of an operation about an output."""
    record = OPERATIONS[operation]
    first = f"grad_{record.positional[0]}"
    name = {"sum": "value", "mean": "value", "jvp": first, "hvp": first}
    known = record.answers
    plain = re.sub(r" .*", "", name.get(output, output))
    other = known.get("value" if plain in tables.WHOLE else "", "")
    return known.get(plain) or other or next(iter(record.clauses))


def _defaults(operation: str) -> dict[str, Any]:
    """Values that stand for arguments which are absent."""
    tried = OPERATIONS[operation].hyperparameters
    neutral = {"sample_weight": 1.0, "pos_weight": 1.0, "sample_mask": 1.0}
    return {**neutral, **{name: values[0] for name, values in tried.items()}}


def _lists(arrays: "Mapping[str, Array]") -> dict[str, Any]:
    return {k: v.tolist() for k, v in arrays.items()}


def _row(case: "Case", array: "Array", shape: tuple[int, ...], i: int) -> Any:
    """What belongs to a point: a number, or a list of one for each class."""
    if array.ndim > len(shape):
        axis = class_axis(case)
        rows = np.moveaxis(array, axis, -1).reshape(-1, array.shape[axis])
        return rows[i].tolist()
    return float(array.ravel()[i])
