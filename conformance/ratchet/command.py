"""The command that checks a report by the ratchet, or tightens it to a report."""

from pathlib import Path
from typing import Any

from rich.console import Console

from conformance import ratchet
from conformance.errors import UsageError
from conformance.profiles import PROFILES
from conformance.ratchet.update import save, updated
from conformance.report.counts import exit_status, tallies
from conformance.report.stream import Stored, read

ABOUT = (
    "Worst error in units of u*K by platform, size of the run, implementation, "
    "operation, dtype and kind of output. Written by `conformance ratchet --update`, "
    "never edited."
)


def run(
    source: Path, file: Path, console: Console, *, update: bool, reason: str
) -> int:
    """Checks or tightens.

    Args:
        source: Report of a finished run, or the folder that it lies in.
        file: File of the ratchet.
        console: Where sentences go.
        update: Whether to write the file.
        reason: Why values may also rise; empty if they may not.

    Returns:
        Exit status: 0 holds or written, 1 does not hold.

    Raises:
        UsageError: Report or file are not what they must be.
    """
    if reason and not update:
        raise UsageError("--raise: expected --update with it, got none.")
    if source.is_dir():
        source /= "report.json"
    stored = _report(source)
    name = _platform(stored, source)
    if not update:
        lines, status = ratchet.check(
            ratchet.load(file),
            name,
            stored.results,
            quick=stored.header["options"]["quick"],
            complete=not _gaps(stored),
            known=ratchet.must_know(file),
        )
    else:
        lines, status = _update(stored, name, source, file, reason), 0
    for line in lines:
        console.print(line, soft_wrap=True)
    return status


def _update(
    stored: Stored, name: str, source: Path, file: Path, reason: str
) -> list[str]:
    gaps = _gaps(stored)
    if gaps:
        raise UsageError(
            f"--from: expected the report of a complete run, got {source} with {gaps}."
        )
    impls = stored.header["options"]["impl"]
    status = exit_status(tallies(impls, stored.results))
    if status:
        raise UsageError(
            f"--from: expected a run in which everything conforms, got {source}, "
            f"whose status is {status}."
        )
    kept: dict[str, Any] = {"about": ABOUT, "platforms": {}}
    if file.exists():
        kept = ratchet.load(file)
    header = stored.header
    versions = {k: v for k, v in header["versions"].items() if k != "platform"}
    measured = {
        "cpu": header["device"]["cpu"],
        "spec": header["spec"],
        "digest": header["digest"],
        "versions": versions,
    }
    size = ratchet.size_of(quick=header["options"]["quick"])
    kept, lines = updated(kept, name, size, stored.results, measured, reason)
    save(file, kept)
    return [*lines, f"wrote {file}"]


def _report(source: Path) -> Stored:
    try:
        return read(source)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"--from: expected a report, got {source} ({error})."
        ) from error


def _platform(stored: Stored, source: Path) -> str:
    device = stored.header.get("device", {})
    if not {"name", "machine"} <= set(device):
        raise UsageError(f"--from: {source} does not say on which machine it ran.")
    return f"{device['name']}-{device['machine']}"


def _gaps(stored: Stored) -> str:
    """Says why a run did not ask everything; empty if it did."""
    options = stored.header["options"]
    if stored.closing.get("interrupted", True):
        return "an interruption"
    if options["select"]:
        return "--select"
    absent = [name for name in PROFILES if name not in options["profile"]]
    return f"no profile {', '.join(absent)}" if absent else ""
