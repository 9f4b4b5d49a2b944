"""Tightening the ratchet: what a finished run writes into its file."""

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from conformance.budgets import largest_error
from conformance.errors import UsageError
from conformance.profiles import Result
from conformance.ratchet.record import SIZES, Key, Values, entries, worst


def updated(
    kept: Mapping[str, Any],
    name: str,
    size: str,
    results: Iterable[Result],
    measured: Mapping[str, Any],
    reason: str,
) -> tuple[dict[str, Any], list[str]]:
    """Tightens what is stored to what a run measured.

    Args:
        kept: What the file holds.
        name: Platform of the run.
        size: Of the run; what is kept of the other size stays.
        results: Of a finished complete run that conforms.
        measured: What to say of how it was measured.
        reason: Why values may also rise or go; empty if they may not.

    Returns:
        What the file shall hold, and a sentence for every difference.

    Raises:
        UsageError: An error is larger than what conforms.
    """
    old, now, lines = dict(entries(kept, name, size)), worst(results), []
    raised: list[dict[str, Any]] = []
    new = dict(old)
    for key, error in now.items():
        limit = largest_error(key.impl)
        if not error <= limit:
            raise UsageError(
                f"--from: expected errors of at most {limit:g}, got {error:g} of {key}."
            )
        # Rounded up, so that the run itself holds.
        value = math.ceil(error * 1000) / 1000
        before = old.get(key, math.inf)
        if value > before and not reason:
            lines.append(
                f"kept {key}: {before:g}, {value:g} now; --raise REASON lifts it"
            )
            continue
        if value != before:
            lines.append(f"{key}: {before:g} -> {value:g}".replace("inf", "new"))
        if value > before:
            raised.append(_raised(key, before, value, reason))
        new[key] = value
    impls = {key.impl for key in now}
    for key in [key for key in old if key.impl in impls and key not in now]:
        if reason:
            raised.append(_raised(key, new.pop(key), None, reason))
            lines.append(f"{key}: {old[key]:g} -> gone")
        else:
            lines.append(f"kept {key}: {old[key]:g}, not measured now")
    sizes = dict(kept["platforms"].get(name, {}))
    history = [*sizes.get(size, {}).get("raised", []), *raised]
    sizes[size] = {"measured": measured, "worst": _nested(new), "raised": history}
    sizes = {one: sizes[one] for one in SIZES if one in sizes}
    return {**kept, "platforms": {**kept["platforms"], name: sizes}}, lines


def _raised(key: Key, old: float, new: float | None, reason: str) -> dict[str, Any]:
    return {"what": str(key), "from": old, "to": new, "reason": reason}


def _nested(values: Mapping[Key, float]) -> Values:
    nested: Values = {}
    for (impl, operation, dtype, kind), value in sorted(values.items()):
        dtypes = nested.setdefault(impl, {}).setdefault(operation, {})
        dtypes.setdefault(dtype, {})[kind] = value
    return nested


def save(path: Path, kept: Mapping[str, Any]) -> None:
    """Writes a file of values, or leaves it as it was."""
    fresh = path.with_suffix(".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror}).") from error
