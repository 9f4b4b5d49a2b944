"""The command's work: read, examine, show."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.doctor.document import as_json as json_of
from conformance.doctor.examine import Examination, examine
from conformance.doctor.terminal import rendered
from conformance.errors import UsageError
from conformance.report.terminal import make_console
from conformance.scores import load_scores


def run(
    file: Path, options: Mapping[str, Any], *, as_json: bool, folder: Path | None
) -> int:
    """Examines a file, and says what is found.

    Args:
        file: Of scores.
        options: Fields that are given beside it.
        as_json: Whether to print JSON and nothing else.
        folder: Where a page goes, if one is wanted.

    Returns:
        1 where something is wrong, otherwise 0.

    Raises:
        UsageError: The file cannot be read, or the folder not be written to.
    """
    examination = examine(load_scores(file, options))
    if as_json:
        sys.stdout.write(json_of(examination, str(file)))
    else:
        console = make_console()
        for part in rendered(examination, console.width):
            console.print(part)
    if folder is not None:
        written = _write(examination, file, folder)
        if not as_json:
            make_console().print(f"wrote {written}", soft_wrap=True)
    return 1 if examination.wrong else 0


def _write(examination: Examination, file: Path, folder: Path) -> Path:
    from conformance.doctor.page import page

    path = folder / "doctor.html"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        data = json_of(examination, str(file))
        (folder / "doctor.json").write_text(data, encoding="utf-8")
        path.write_text(page(examination, str(file)), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out: cannot write {error.filename} ({error}).") from error
    return path
