"""Writes reports of the kinds that were asked for."""

import os
from collections.abc import Collection
from pathlib import Path

from rich.console import Console

from conformance.errors import UsageError
from conformance.report.badges import write_badges
from conformance.report.evidence import Evidence, gather
from conformance.report.html.page import page
from conformance.report.junit import junit
from conformance.report.step_summary import step_summary

KINDS = ("html", "junit", "badges", "summary")
# Where GitHub collects what it shows below a run.
STEP_SUMMARY = "GITHUB_STEP_SUMMARY"


def write_reports(
    folder: Path, kinds: Collection[str], console: Console, outcome: Path | None = None
) -> Evidence:
    """Makes reports from what lies in a folder, into that folder.

    Args:
        folder: Of ``report.json`` and its like.
        kinds: Of ``KINDS``; none means all.
        console: Where to say what was written.
        outcome: Where ``conformance compare`` wrote, if elsewhere.

    Returns:
        What the reports were made from.

    Raises:
        UsageError: The folder does not exist or cannot be written to.
    """
    for option, path in (("DIR", folder), ("--outcome", outcome)):
        if path is not None and not path.is_dir():
            raise UsageError(f"{option}: expected a folder, got {str(path)!r}.")
    evidence = gather(folder, outcome)
    if evidence.empty:
        known = "report.json, prove.json, matrix.json, claims.json or outcome/"
        raise UsageError(f"DIR: expected {known} in {str(folder)!r}, got none.")
    try:
        for kind in KINDS:
            if kind in (kinds or KINDS):
                for line in _write(kind, evidence):
                    console.print(line, soft_wrap=True)
    except OSError as error:
        raise UsageError(f"DIR: cannot write {error.filename} ({error}).") from error
    for problem in evidence.problems:
        console.print(problem, soft_wrap=True)
    return evidence


def _write(kind: str, evidence: Evidence) -> list[str]:
    """Writes one kind; returns what to say of it."""
    folder = evidence.folder
    if kind == "badges":
        paths = write_badges(evidence, folder / "badges")
        return [f"{len(paths)} badges in {folder / 'badges'}"]
    if kind == "html":
        return [_save(folder / "index.html", page(evidence))]
    if kind == "junit":
        return [_save(folder / "junit.xml", junit(evidence))]
    text = step_summary(evidence)
    said = [_save(folder / "summary.md", text)]
    where = os.environ.get(STEP_SUMMARY)
    if where:
        with Path(where).open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")
        said.append(f"appended to {where}")
    return said


def _save(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)
