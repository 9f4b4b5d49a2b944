"""Results by what they depend on, kept between runs."""

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

LIMIT = 2**30


def default_folder() -> Path:
    """Returns where results are kept unless the user says otherwise."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "equipoise" / "outcomes"


class Cache:
    """A folder of results, each in a file that its content names.

    It only saves time: a file that cannot be read, or is damaged, is as good as none,
    and a folder that cannot be written keeps nothing.

    Args:
        folder: Where the files lie; None neither reads nor writes.
        limit: Bytes above which what was not used for longest is dropped at start.
    """

    def __init__(self, folder: Path | None, limit: int = LIMIT) -> None:
        self._folder = folder
        if folder is not None:
            with suppress(OSError):
                _trim(folder, limit)

    def get(self, content: dict[str, Any]) -> dict[str, Any] | None:
        """Returns the result of what has this content, or None."""
        if self._folder is None:
            return None
        path = self._path(self._folder, content)
        try:
            total, _, text = path.read_text().partition("\n")
        except (OSError, UnicodeDecodeError):
            return None
        if total != _sum(text):
            return None
        with suppress(OSError):
            os.utime(path)
        return json.loads(text)

    def put(self, content: dict[str, Any], result: dict[str, Any]) -> None:
        """Keeps a result."""
        if self._folder is None:
            return
        path, text = self._path(self._folder, content), json.dumps(result)
        # Aside and renamed, so that nobody reads half of it.
        aside = path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(f"{_sum(text)}\n{text}")
            aside.replace(path)

    def _path(self, folder: Path, content: dict[str, Any]) -> Path:
        return folder / f"{_sum(json.dumps(content, sort_keys=True))}.json"


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _trim(folder: Path, limit: int) -> None:
    """Drops what was not used for longest."""
    found = [(file.stat(), file) for file in folder.iterdir()]
    size = sum(stat.st_size for stat, _ in found)
    for stat, file in sorted(found, key=lambda pair: pair[0].st_mtime):
        if size <= limit:
            return
        file.unlink()
        size -= stat.st_size
