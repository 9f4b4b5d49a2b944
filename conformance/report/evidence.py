"""What a folder of reports holds, whole or not."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from conformance.report import ledger, libraries, outcomes, proof
from conformance.report.counts import STATUSES, tallies
from conformance.report.ledger import Ledger
from conformance.report.libraries import Comparison
from conformance.report.outcomes import Outcome
from conformance.report.proof import Proof
from conformance.report.stream import Stored, read

T = TypeVar("T")
# Numbers that every row of the timings has.
TIMED = ("seconds", "compiling", "evaluating", "compared")
DAMAGED = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError, OSError)


@dataclass(frozen=True)
class Evidence:
    """All that reports are made from; what is missing is None or empty.

    Attributes:
        folder: Where it was looked for.
        run: Of ``conformance run``.
        proof: Of ``conformance prove``.
        comparison: Of ``conformance matrix``.
        outcomes: Of ``conformance compare``, one for each recipe.
        ledger: Of ``conformance claims``.
        problems: What is damaged or does not belong together, in sentences.
    """

    folder: Path
    run: Stored | None = None
    proof: Proof | None = None
    comparison: Comparison | None = None
    outcomes: tuple[Outcome, ...] = ()
    ledger: Ledger | None = None
    problems: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing that a report could be made from."""
        found = (self.run, self.proof, self.comparison, self.ledger)
        return not any((*found, *self.outcomes, *self.problems))

    @property
    def header(self) -> Mapping[str, Any]:
        """The header of the run; empty without one."""
        return self.run.header if self.run else {}

    @property
    def impls(self) -> list[str]:
        """Implementations of the run, also those without a result."""
        if not self.run:
            return []
        asked = self.header.get("options", {}).get("impl", [])
        return list(dict.fromkeys([*asked, *(r.impl for r in self.run.results)]))


def gather(folder: Path, outcome: Path | None = None) -> Evidence:
    """Reads what is there.

    Args:
        folder: Of ``report.json``, ``prove.json``, ``matrix.json``, ``claims.json``.
        outcome: Where ``conformance compare`` wrote; by default ``outcome`` in that
            folder, or else in the one where the command was started.

    Returns:
        The evidence, with a sentence for everything that could not be read.
    """
    problems: list[str] = []

    def tolerant(path: Path, load: Callable[[Path], T]) -> T | None:
        if not path.exists():
            return None
        try:
            return load(path)
        except DAMAGED as error:
            # The path of a file stands in most messages, but not in all.
            where = "" if str(path) in str(error) else f"{path}: "
            why = str(error) if isinstance(error, ValueError) else repr(error)
            problems.append(f"{where}{why}; taken as missing.")
            return None

    proved = tolerant(folder / "prove.json", lambda path: proof.parse(_load(path)))
    compared = tolerant(
        folder / "matrix.json", lambda path: libraries.parse(_load(path))
    )
    trained = [
        tolerant(path, lambda path: outcomes.parse(_load(path)))
        for path in _outcome_files(folder, outcome)
    ]
    judged = tolerant(folder / "claims.json", lambda path: ledger.parse(_load(path)))
    run = tolerant(folder / "report.json", _run)
    outcomes_found = tuple(filter(None, trained))
    found = Evidence(folder, run, proved, compared, outcomes_found, judged)
    return replace(found, problems=(*problems, *_strangers(found)))


def _load(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error})") from error


def _run(path: Path) -> Stored:
    stored = read(path)
    for key in ("options", "versions", "device", "precision"):
        if not isinstance(stored.header.get(key, {}), dict):
            raise ValueError(f"{path}: {key} in the header is no object")
    for result in stored.results:
        sound = isinstance(result.compared, int) and isinstance(result.failed, int)
        words = (result.impl, result.operation, result.group, result.reason)
        if result.status not in STATUSES or not sound:
            raise ValueError(f"{path}: no result of a run: {result}")
        if not all(isinstance(word, str) for word in words):
            raise ValueError(f"{path}: no result of a run: {result}")
    timings = stored.closing.get("timings") or {}
    for row in timings.get("calls", ()):
        if not all(isinstance(row[part], int | float) for part in TIMED):
            raise ValueError(f"{path}: no seconds of a call: {row}")
    said = stored.closing.get("counts")
    if said and not stored.closing.get("interrupted", True):
        # Removing a line that failed must not make a report that conforms.
        counts = tallies([*said, *(r.impl for r in stored.results)], stored.results)
        if said != {name: counts[name].record() for name in counts}:
            raise ValueError(f"{path}: its results do not add up to its counts")
    return stored


def _outcome_files(folder: Path, outcome: Path | None) -> list[Path]:
    places = [outcome] if outcome else [folder / "outcome", Path("outcome")]
    for place in places:
        found = [place / "outcome.json", *sorted(place.glob("*/outcome.json"))]
        found = [path for path in found if path.exists()]
        if found:
            return found
    return []


def _strangers(found: Evidence) -> list[str]:
    """Says which parts judged other code than the run did."""
    source = found.header.get("source")
    if not source:
        return []
    sources = {
        "prove.json": found.proof and found.proof.header.get("source"),
        "matrix.json": found.comparison and found.comparison.header.get("source"),
        "claims.json": found.ledger and found.ledger.source,
        **{f"the outcome of {one.recipe}": one.source for one in found.outcomes},
    }
    return [
        f"{name} is of other sources ({other}) than report.json ({source})."
        for name, other in sources.items()
        if other and other != source
    ]
