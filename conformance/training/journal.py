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
        UsageError: ``resume`` with other conditions or a damaged file, which stays
            as it is.
    """

    def __init__(self, path: Path, conditions: dict[str, Any], *, resume: bool) -> None:
        self.path = path
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
        # Written anew: this drops the half line that an interruption leaves. Aside and
        # renamed, so that stopping here loses no earlier result.
        lines = found or [conditions]
        fresh = path.with_suffix(".tmp")
        fresh.write_text("".join(json.dumps(line) + "\n" for line in lines))
        fresh.replace(path)

    def __len__(self) -> int:
        return len(self._cells)

    def get(self, cell: str) -> Any | None:
        """Returns the result of a finished cell, or None."""
        return self._cells.get(cell)

    def append(self, cell: str, result: Any) -> None:
        """Records a finished cell.

        Raises:
            UsageError: The disk is full, or somebody removed the folder.
        """
        try:
            with self.path.open("a") as file:
                file.write(json.dumps({"cell": cell, "result": result}) + "\n")
        except OSError as error:
            raise UsageError(
                f"--out: cannot write {self.path} ({error.strerror})."
            ) from error
        self._cells[cell] = result


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        lines = path.read_text().splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--resume: cannot read {path}: {error}") from error
    if len(lines) > 1 and not lines[-1].endswith("\n"):
        del lines[-1]
    return [_parsed(line, f"{path}, line {n}", n) for n, line in enumerate(lines, 1)]


def _parsed(line: str, where: str, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        found = None
    if isinstance(found, dict):
        cell, result = found.get("cell"), found.get("result")
        if number == 1 or (isinstance(cell, str) and isinstance(result, dict)):
            return found
    raise UsageError(
        f"--resume: {where} is not what a comparison writes. Repair it, choose "
        "another --out, or leave --resume out to start afresh."
    )
