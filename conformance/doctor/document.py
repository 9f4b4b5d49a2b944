"""An examination for programs."""

import json
import math
from dataclasses import asdict
from typing import Any

from conformance.doctor.examine import Examination


def document(examination: Examination, file: str) -> dict[str, Any]:
    """Puts an examination into what JSON knows.

    Args:
        examination: Of one file.
        file: Its name.

    Returns:
        The file, its facts, findings and notes; numbers that are not finite are None.
    """
    scores = examination.scores
    return _plain(
        {
            "file": file,
            "task": scores.task,
            "kind": scores.kind,
            "examples": len(scores.values),
            "classes": list(scores.names),
            "told": sorted(scores.told),
            "wrong": examination.wrong,
            "checks": examination.asked,
            "facts": [asdict(fact) for fact in examination.facts],
            "findings": [asdict(finding) for finding in examination.findings],
            "not_asked": examination.skipped,
            "notes": list(scores.notes),
        }
    )


def as_json(examination: Examination, file: str) -> str:
    """Writes the document as JSON."""
    return json.dumps(document(examination, file), indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _plain(own) for name, own in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(own) for own in value]
    # Numbers of NumPy are none to JSON.
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
