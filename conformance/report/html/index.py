"""All results, summed up in rows for the eye and in one object for searching."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from conformance.profiles import Result
from conformance.report.counts import STATUSES, Tally
from conformance.report.facts import FAULTS
from conformance.report.wording import clean, units


@dataclass
class Row:
    """Results of one implementation, operation, profile and dtype."""

    impl: str
    operation: str
    profile: str
    dtype: str
    tally: Tally = field(default_factory=Tally)
    worst: float | None = None
    results: list[Result] = field(default_factory=list)

    @property
    def bad(self) -> bool:
        """Whether anything failed or broke."""
        return any(self.tally.statuses[status] for status in FAULTS)

    @property
    def numbers(self) -> list[tuple[str, int]]:
        """How many results there are of every status that occurs."""
        statuses = self.tally.statuses
        return [(status, statuses[status]) for status in STATUSES if statuses[status]]


def rows(results: Iterable[Result]) -> list[Row]:
    """Groups results.

    Args:
        results: Of a run.

    Returns:
        The rows, those with faults first, else in the order of the run.
    """
    found: dict[tuple[str, ...], Row] = {}
    for result in results:
        key = (result.impl, result.operation, result.profile, result.dtype)
        row = found.setdefault(key, Row(*key))
        row.tally.add(result)
        row.results.append(result)
        row.worst = _larger(row.worst, result.worst)
    return sorted(found.values(), key=lambda row: not row.bad)


def _larger(a: float | None, b: float | None) -> float | None:
    """The larger one of those that are known; a NaN is larger than any number."""
    if a is None or b is None:
        return b if a is None else a
    return a if a >= b or math.isnan(a) else b


def choices(found: Sequence[Row]) -> dict[str, list[str]]:
    """What can be chosen of every kind, in the order of the rows.

    Args:
        found: The rows.
    """
    statuses = Counter[str]()
    for row in found:
        statuses += row.tally.statuses
    return {
        "op": _distinct(row.operation for row in found),
        "impl": _distinct(row.impl for row in found),
        "profile": _distinct(row.profile for row in found),
        "status": [status for status in STATUSES if statuses[status]],
    }


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


class _Table:
    """Strings that are said once and pointed at."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.places.setdefault(clean(text), len(self.places))


def search_index(found: Sequence[Row]) -> Markup:
    """Writes all results for the page's own script.

    Args:
        found: The rows, in the order of the page.

    Returns:
        JSON in which nothing can end the element that it stands in.
    """
    texts = _Table()
    record = {
        "statuses": list(STATUSES),
        "rows": [[_entry(result, texts) for result in row.results] for row in found],
        "texts": list(texts.places),
    }
    return embedded(record)


def _entry(result: Result, texts: _Table) -> list[Any]:
    """Group, form, status, numbers, worst error, reason and where."""
    form = f"{result.output}, {result.transform}, reduction {result.reduction}"
    return [
        texts(result.group),
        texts(form),
        STATUSES.index(result.status),
        result.compared,
        result.failed,
        "" if result.worst is None else units(result.worst),
        texts(result.reason),
        texts(result.worst_id if result.status in FAULTS else ""),
    ]


def embedded(value: Any) -> Markup:
    r"""JSON for a script element: ASCII, and without what HTML or a script reads.

    Example:
        >>> embedded({"a": "</script>&"})
        Markup('{"a":"\\u003c/script\\u003e\\u0026"}')
    """
    text = json.dumps(value, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    # Every sign that HTML knows is escaped.
    return Markup(text)
