"""The ledger: a computed verdict for every claim of the source articles."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from conformance.errors import UsageError
from conformance.training.ledger import (
    classes,
    classes_runs,
    extreme,
    extreme_runs,
    labels,
    labels_runs,
    logits,
    means,
    weighting,
    weighting_runs,
)
from conformance.training.ledger.claim import (
    ARTICLES,
    FAILS,
    HOLDS,
    HOLDS_WHEN,
    NO_EVIDENCE,
    NOT_TESTABLE,
    VERDICTS,
    Claim,
    Entry,
    Note,
    Verdict,
    settle,
)
from conformance.training.ledger.runs import RECORDS, Runs, Source

_PARTS = (
    weighting,
    weighting_runs,
    labels,
    labels_runs,
    classes,
    classes_runs,
    logits,
    means,
    extreme,
    extreme_runs,
)


def _place(claim: Claim) -> tuple[str, int]:
    return claim.number[0], int(claim.number[1:])


CLAIMS: tuple[Claim, ...] = tuple(
    sorted((claim for part in _PARTS for claim in part.CLAIMS), key=_place)
)


def ledger(runs: Runs, select: str = "*") -> list[Entry]:
    """Judges claims.

    Args:
        runs: Records of training.
        select: Pattern of their numbers, as ``"C*"``; several by commas.

    Returns:
        An entry for each claim that matches, in the order of the articles.

    Raises:
        UsageError: A pattern matches no claim.
    """
    patterns = [pattern.strip().upper() for pattern in select.split(",")]
    for pattern in patterns:
        if not any(fnmatchcase(claim.number, pattern) for claim in CLAIMS):
            known = f"{CLAIMS[0].number} to {CLAIMS[-1].number}"
            raise UsageError(f"--select: expected claims of {known}, got {pattern!r}.")
    return [settle(claim, runs) for claim in CLAIMS if _asked(claim, patterns)]


def _asked(claim: Claim, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(claim.number, pattern) for pattern in patterns)


__all__ = [
    "ARTICLES",
    "CLAIMS",
    "FAILS",
    "HOLDS",
    "HOLDS_WHEN",
    "NOT_TESTABLE",
    "NO_EVIDENCE",
    "RECORDS",
    "VERDICTS",
    "Claim",
    "Entry",
    "Note",
    "Runs",
    "Source",
    "Verdict",
    "ledger",
    "settle",
]
