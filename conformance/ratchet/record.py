"""The file of the ratchet: the worst error of everything that is kept."""

import json
import math
import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from conformance.budgets import largest_error
from conformance.errors import UsageError
from conformance.profiles import Result

FILE = Path(__file__).parents[1] / "records" / "ratchet.json"
KINDS = ("value", "gradient")
FULL, QUICK = SIZES = ("full", "quick")

# Values by implementation, operation, dtype and kind of output.
Values = dict[str, dict[str, dict[str, dict[str, float]]]]


class Key(NamedTuple):
    """What a value is about."""

    impl: str
    operation: str
    dtype: str
    kind: str

    def __str__(self) -> str:
        return f"{self.impl} {self.operation} {self.dtype} {self.kind}"


def here(device: str) -> str:
    """Names the platform of this machine."""
    return f"{device}-{platform.machine()}"


def size_of(*, quick: bool) -> str:
    """Names the values that a run is compared with.

    A quick run asks few points, so the worst of a full run would let it grow too far.
    """
    return QUICK if quick else FULL


def must_know(file: Path) -> bool:
    """Says whether a platform that the file lacks fails.

    A user elsewhere cannot help what our file lacks. Whoever names a file wants it
    applied, and in continuous integration a check that checks nothing stays unseen.
    """
    return file != FILE or os.environ.get("CI", "") not in ("", "0", "false")


def worst(results: Iterable[Result]) -> dict[Key, float]:
    """Finds the worst error of everything that is kept.

    Args:
        results: Of one or several implementations.

    Returns:
        Errors in units of u * scale.
    """
    found: dict[Key, float] = {}
    for result in results:
        if result.worst is not None:
            kind = KINDS[result.output.startswith("grad_")]
            key = Key(result.impl, result.operation, result.dtype, kind)
            # A NaN would be lost to whatever it is compared with.
            error = math.inf if math.isnan(result.worst) else result.worst
            found[key] = max(found.get(key, 0.0), error)
    return found


def load(path: Path) -> dict[str, Any]:
    """Reads a file of values.

    Args:
        path: The file.

    Returns:
        What it holds; nothing if it does not exist.

    Raises:
        UsageError: It is no such file, or a value in it cannot be one.
    """
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        for key, value in _every(kept, path):
            limit = largest_error(key.impl)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and 0 <= value <= limit):
                raise UsageError(
                    f"{path}: {key}: expected a number in [0, {limit:g}], which no "
                    f"ratchet can exceed, got {value!r}."
                )
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path}: expected the file of a ratchet ({error})."
        ) from error
    return kept


def _every(kept: Mapping[str, Any], path: Path) -> Iterator[tuple[Key, Any]]:
    for name, sizes in kept["platforms"].items():
        if not sizes or not set(sizes) <= {*SIZES}:
            raise UsageError(
                f"{path}: {name}: expected {' or '.join(SIZES)}, got "
                f"{', '.join(sizes) or 'nothing'}."
            )
        for size in sizes:
            yield from entries(kept, name, size)


def entries(kept: Mapping[str, Any], name: str, size: str) -> Iterator[tuple[Key, Any]]:
    """Yields what is stored for a platform and runs of a size."""
    values: Values = kept["platforms"].get(name, {}).get(size, {}).get("worst", {})
    for impl, operations in values.items():
        for operation, dtypes in operations.items():
            for dtype, kinds in dtypes.items():
                for kind, value in kinds.items():
                    yield Key(impl, operation, dtype, kind), value
