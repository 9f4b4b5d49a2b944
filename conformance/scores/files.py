"""Reads files into arrays by the names of ``FIELDS``."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.errors import UsageError
from conformance.scores.fields import NAMES
from conformance.scores.tables import Named, from_table

DAMAGE = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def read(path: Path) -> Named:
    """Reads a file of scores.

    Args:
        path: Of an ``.npz``, ``.csv`` or ``.parquet`` file. Pickled objects are never
            loaded.

    Returns:
        Arrays by field, and a note for each name that is not known.

    Raises:
        UsageError: It cannot be read, or a name occurs twice.
    """
    readers = {".npz": _npz, ".csv": _csv, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        got = path.suffix or path.name or str(path)
        raise UsageError(f"FILE: expected {', '.join(readers)}, got {got!r}.")
    if not path.is_file():
        raise UsageError(f"FILE: {str(path)!r} is no file.")
    if not path.stat().st_size:
        raise UsageError(f"FILE: {str(path)!r} is empty.")
    return reader(path)


def _npz(path: Path) -> Named:
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise UsageError(f"FILE: {str(path)!r} is not an .npz file.")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                stored = {name: _loaded(arrays, name) for name in arrays.files}
    except DAMAGE as error:
        raise UsageError(f"FILE: cannot read {str(path)!r}: {error}") from error
    found: dict[str, NDArray[Any]] = {}
    notes = []
    for name, array in stored.items():
        field = NAMES.get(name)
        if field is None:
            notes.append(f"{name} is not a field that is known, so it is not used.")
        elif field in found:
            raise UsageError(f"FILE: {field} is there twice, also as {name}.")
        else:
            found[field] = array
    return Named(found, tuple(notes))


def _loaded(arrays: Any, name: str) -> NDArray[Any]:
    try:
        array = arrays[name]
    except ValueError as error:
        if "pickle" not in str(error).lower():
            raise
        raise UsageError(
            f"FILE: {name} holds Python objects, which are not loaded; save it as an "
            "array of numbers."
        ) from error
    if not isinstance(array, np.ndarray):
        raise UsageError(f"FILE: {name} is not stored as an array (.npy).")
    return array


def _csv(path: Path) -> Named:
    import pandas as pd

    try:
        table = pd.read_csv(path, skipinitialspace=True)
    except (ValueError, OSError) as error:
        raise UsageError(f"FILE: cannot read {str(path)!r}: {error}") from error
    return from_table(table)


def _parquet(path: Path) -> Named:
    import pandas as pd

    try:
        table = pd.read_parquet(path)
    except ImportError as error:
        raise UsageError(
            "FILE: .parquet needs pyarrow: pip install 'equipoise[conformance]'."
        ) from error
    except (ValueError, OSError, KeyError) as error:
        raise UsageError(f"FILE: cannot read {str(path)!r}: {error}") from error
    return from_table(table)
