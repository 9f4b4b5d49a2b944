"""A file of results that is written line by line and is one JSON document at the end.

The first line opens the document with the header, every further line is one result,
and the last line closes it with the counts. A run that was killed leaves whole lines
and perhaps one cut short, so that :func:`read` can pick up everything but the last.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from conformance.profiles import Result


@dataclass(frozen=True, eq=False)
class Stored:
    """What a file of results holds.

    Attributes:
        header: Header of the run.
        results: Its complete results.
        closing: The closing line, empty if the run was cut off.
    """

    header: dict[str, Any]
    results: list[Result] = field(default_factory=list)
    closing: dict[str, Any] = field(default_factory=dict)


class Stream:
    """Writes results as they come."""

    def __init__(
        self, path: Path, header: dict[str, Any], results: Iterable[Result] = ()
    ) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written aside and renamed, so that stopping here loses no earlier result.
        fresh = path.with_suffix(".tmp")
        self._file = fresh.open("w", encoding="utf-8")
        self._separator = ""
        self._file.write('{"header": ' + _line(header) + ', "results": [\n')
        self.write(results)
        os.replace(fresh, path)
        self._closing: dict[str, Any] = {"interrupted": True, "counts": {}}

    def write(self, results: Iterable[Result]) -> None:
        """Appends results, visible to others when this returns."""
        for result in results:
            # The comma leads, so that a line is complete once it ends.
            self._file.write(f"{self._separator}{_line(result.record())}\n")
            self._separator = ","
        self._file.flush()

    def conclude(
        self,
        counts: dict[str, Any],
        *,
        interrupted: bool,
        seconds: float | None = None,
        doubts: Sequence[str] = (),
        timings: dict[str, Any] | None = None,
    ) -> None:
        """Sets what the closing line says."""
        self._closing = {"interrupted": interrupted, "counts": counts}
        if seconds is not None:
            self._closing["seconds"] = seconds
        if doubts:
            self._closing["doubts"] = list(doubts)
        if timings is not None:
            self._closing["timings"] = timings

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.write("], " + _line(self._closing)[1:] + "\n")
        self._file.close()


def read(path: Path) -> Stored:
    """Reads a file of results, finished or not.

    Args:
        path: The file.

    Returns:
        Its header and all results whose lines are complete.

    Raises:
        ValueError: The file does not begin like one, or a line in it is damaged.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no text") from error
    prefix, suffix = '{"header": ', ', "results": [\n'
    first = lines[0] if lines else ""
    if not (first.startswith(prefix) and first.endswith(suffix)):
        raise ValueError(f"{path} does not begin with the header of a report")
    stored = Stored({})
    for number, line in enumerate(lines, 1):
        if not line.endswith("\n"):
            break
        try:
            if number == 1:
                stored.header.update(json.loads(first[len(prefix) : -len(suffix)]))
            elif line.startswith("]"):
                stored.closing.update(json.loads("{" + line[2:]))
                break
            else:
                stored.results.append(Result.from_record(json.loads(line.lstrip(","))))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}, line {number} is not what a run writes"
            ) from error
    return stored


def _line(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
