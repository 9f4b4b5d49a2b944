"""The top of the page: verdict, circumstances and levels."""

import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from conformance.report import facts
from conformance.report.evidence import Evidence
from conformance.report.facts import ladders

Context = dict[str, Any]
# Versions and digits of a digest that are shown at once.
FEW = ("numpy", "torch", "jax")
SHORT = 12


def top(evidence: Evidence) -> Context:
    """The verdict, what it depends on, and what else was asked.

    Args:
        evidence: What there is to show.
    """
    header = evidence.header
    command = header.get("command") or []
    return {
        "verdict": facts.verdict(evidence),
        "facts": _facts(evidence),
        "details": _details(evidence),
        "command": shlex.join(map(str, command)) if command else "",
        "others": [_trained(evidence), _proved(evidence), _compared(evidence)],
    }


def _facts(evidence: Evidence) -> list[tuple[str, str]]:
    """What most readers look for."""
    header = evidence.header
    device, versions = dict(header.get("device", {})), header.get("versions", {})
    closing = evidence.run.closing if evidence.run else {}
    seconds = closing.get("seconds")
    parts = (str(device[k]) for k in ("name", "gpu", "cpu") if k in device)
    return _known(
        {
            "Specification": header.get("spec"),
            "Digest of the vectors": str(header.get("digest", ""))[:SHORT],
            "Date": _date(header.get("date")),
            "Device": ", ".join(parts),
            "Versions": _pairs({k: versions[k] for k in FEW if k in versions}),
            "Canaries": _canaries(header.get("canaries")),
            "Took": f"{seconds:.1f} s" if isinstance(seconds, int | float) else None,
        }
    )


def _canaries(seen: Any) -> str | None:
    """How many wrong answers the run had itself judged before it began."""
    if not isinstance(seen, dict):
        return None
    return f"{seen.get('killed')} wrong answers seen, {seen.get('spared')} right spared"


def _details(evidence: Evidence) -> list[tuple[str, str]]:
    header = evidence.header
    return _known(
        {
            "Options": _pairs(header.get("options", {})),
            "Versions": _pairs(header.get("versions", {})),
            "Precision": _pairs(header.get("precision", {})),
            "Digest of the vectors": header.get("digest"),
            "Digest of the sources": header.get("source"),
        }
    )


def _known(named: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(fact)) for name, fact in named.items() if fact]


def _pairs(record: Mapping[str, Any]) -> str:
    shown = {
        k: " ".join(map(str, v)) if isinstance(v, list) else v
        for k, v in record.items()
    }
    return ", ".join(f"{k} {v}" for k, v in shown.items() if v not in ("", False))


def _date(text: Any) -> str | None:
    try:
        return f"{datetime.fromisoformat(str(text)):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return None


def _trained(evidence: Evidence) -> Context:
    found = evidence.outcomes
    good = bool(found) and all(one.verdict == "pass" for one in found)
    return {
        "title": "Training outcomes",
        "phrases": [f"{one.recipe}: {one.verdict}" for one in found],
        "link": "training",
        **_word(found, "agree" if good else "differ", good=good),
    }


def _proved(evidence: Evidence) -> Context:
    proof = evidence.proof
    good = proof is not None and proof.holds
    return {
        "title": "Fault injection",
        "phrases": proof.phrases if proof else [],
        "link": "proof",
        **_word(proof, "proved" if good else "not proved", good=good),
    }


def _compared(evidence: Evidence) -> Context:
    found = evidence.comparison
    good = bool(found) and found.as_listed
    return {
        "title": "Other libraries",
        "phrases": found.phrases if found else [],
        "link": "libraries",
        **_word(found, "as listed" if good else "not as listed", good=good),
    }


def _word(found: Any, word: str, *, good: bool) -> Context:
    if not found:
        return {"word": "not asked", "kind": "care"}
    return {"word": word, "kind": "good" if good else "bad"}


def levels(evidence: Evidence) -> Context:
    """Levels of every implementation and operation.

    Args:
        evidence: What there is to show.
    """
    run = evidence.run
    reaches = [(impl, facts.reach(run, impl)) for impl in evidence.impls] if run else []
    return {
        "reaches": reaches,
        "ladders": ladders(evidence),
        "narrowing": facts.narrowing(run) if run else "",
    }
