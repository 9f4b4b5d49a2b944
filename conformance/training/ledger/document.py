"""The ledger for programs, and for the page of the report."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from conformance.report.header import source_digest
from conformance.training.ledger.claim import VERDICTS, Entry
from conformance.training.ledger.contrasts import LEVEL
from conformance.training.ledger.wording import lines, plain


def document(entries: Sequence[Entry]) -> dict[str, Any]:
    """Puts entries into what JSON knows.

    Args:
        entries: In the order of the articles.

    Returns:
        The digest of the code that judged, the level of intervals, the number of each
        verdict, and the claims; numbers that JSON does not have are words.
    """
    counts = Counter(entry.verdict.word for entry in entries)
    return {
        "source": source_digest(),
        "level": LEVEL,
        "counts": {word: counts[word] for word in VERDICTS if counts[word]},
        "claims": [_claim(entry) for entry in entries],
    }


def _claim(entry: Entry) -> dict[str, Any]:
    claim = entry.claim
    return {
        "number": claim.number,
        "article": claim.article,
        "claim": claim.text,
        "checked": claim.checked,
        "verdict": entry.verdict.word,
        "condition": entry.verdict.condition,
        "explanation": entry.verdict.sentence,
        "note": entry.note,
        "evidence": plain(entry.evidence),
        "shown": lines(entry.evidence),
        "commands": list(entry.commands),
        "sources": [plain(asdict(own)) | {"shown": str(own)} for own in entry.sources],
    }


def as_json(entries: Sequence[Entry]) -> str:
    """Writes the document as JSON."""
    return json.dumps(document(entries), indent=2, allow_nan=False) + "\n"
