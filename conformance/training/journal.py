"""Results of finished cells as JSON lines: an interruption loses the running cell."""

import json
from pathlib import Path
from typing import Any

from conformance.errors import UsageError


class Journal:
    """An append-only file: one line of conditions, then one line for each cell.

    Args:
        path: Of the file; its folder exists.
        conditions: Everything that results depend on. A file that was written under
            other conditions is not resumed.
        resume: Keep what is there; otherwise start afresh.

    Raises:
        UsageError: ``resume`` with other conditions.
    """

    def __init__(self, path: Path, conditions: dict[str, Any], *, resume: bool) -> None:
        self._path = path
        self._cells: dict[str, Any] = {}
        found = _read(path) if resume and path.exists() else []
        if found and found[0] != conditions:
            changed = sorted(
                key for key in conditions if found[0].get(key) != conditions[key]
            )
            raise UsageError(
                f"--resume: {path} was written under other conditions "
                f"({', '.join(changed)} changed)."
            )
        self._cells = {line["cell"]: line["result"] for line in found[1:]}
        # Written anew: this drops the half line that an interruption leaves.
        lines = found or [conditions]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def get(self, cell: str) -> Any | None:
        """Returns the result of a finished cell, or None."""
        return self._cells.get(cell)

    def append(self, cell: str, result: Any) -> None:
        """Records a finished cell."""
        with self._path.open("a") as file:
            file.write(json.dumps({"cell": cell, "result": result}) + "\n")
        self._cells[cell] = result


def _read(path: Path) -> list[Any]:
    lines = []
    for line in path.read_text().splitlines():
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return lines
