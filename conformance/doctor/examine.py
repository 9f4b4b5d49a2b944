"""Asks all checks of one file of scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from conformance.doctor.checks import CHECKS
from conformance.doctor.facts import Fact, facts
from conformance.doctor.findings import Check, Finding, Severity
from conformance.scores import Scores


@dataclass(frozen=True)
class Examination:
    """What is known of a file.

    Attributes:
        scores: The file.
        facts: A row for each class.
        findings: The worst first.
        asked: Number of checks that were made.
        skipped: Findings that explain checks which were not made, by their names.
    """

    scores: Scores
    facts: tuple[Fact, ...]
    findings: tuple[Finding, ...]
    asked: int
    skipped: dict[str, str]

    @property
    def wrong(self) -> int:
        """Number of findings that are wrong."""
        return sum(one.severity is Severity.WRONG for one in self.findings)


def examine(scores: Scores, checks: Sequence[Check] = CHECKS) -> Examination:
    """Asks checks of scores, in their order.

    Args:
        scores: Of one file.
        checks: To be asked. One whose finding another explains is not made, so that
            one ailment is not told as five.

    Returns:
        What they find.

    Example:
        >>> from conformance.scores import assemble
        >>> p = np.array([0.52, 0.55, 0.51, 0.53] * 20)
        >>> scores = assemble({"probabilities": p, "labels": np.arange(80) % 4 == 1})
        >>> [finding.name for finding in examine(scores).findings]
        ['double-sigmoid']
    """
    # What is not finite is a finding, and no warning.
    with np.errstate(all="ignore"):
        found, skipped = _asked(scores, checks)
        rows = facts(scores)
    order = list(Severity)
    found.sort(key=lambda finding: order.index(finding.severity))
    asked = len(checks) - len(skipped)
    return Examination(scores, rows, tuple(found), asked, skipped)


def _asked(
    scores: Scores, checks: Sequence[Check]
) -> tuple[list[Finding], dict[str, str]]:
    found: list[Finding] = []
    skipped: dict[str, str] = {}
    for check in checks:
        names = [finding.name for finding in found]
        why = next((name for name in names if name in check.after), "")
        if why:
            skipped[check.name] = why
        elif (finding := check(scores)) is not None:
            found.append(finding)
    return found, skipped
