"""What was found out about one mutant, as JSON knows it."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from conformance.mutants.catalogue import CONTROL, FAULT, HARNESS, Mutant
from conformance.mutants.harness import Harness
from conformance.profiles import Result

SHOWN = 3
# A control that is hardly asked anything would survive anything.
ENOUGH = 1000
KILLED, SURVIVED, UNFOUNDED, BROKEN = "killed", "survived", "unfounded", "broken"


@dataclass(frozen=True)
class Record:
    """A line of the kill matrix.

    Attributes:
        name: Name of the mutant.
        kind: ``"fault"``, ``"control"`` or ``"harness"``.
        category: Its category; ``"control"`` and ``"harness"`` are their own.
        backend: Backend; of the harness, the implementation that is judged.
        operation: Operation; of the harness, the command that must turn red.
        clause: Clause that is offended, if any.
        what: What is wrong, or other.
        killed: Whether it was found out.
        by: Ids of the first few cases that found it out, or what the run said.
        expected_case: The case that must find it out.
        status: ``"killed"`` or ``"survived"``; ``"unfounded"`` where the right function
            fails as well or nothing was compared; ``"broken"`` where it raised.
        reason: More words, where something is not as it must be.
        seconds: How long it took.
    """

    name: str
    kind: str
    category: str
    backend: str
    operation: str
    clause: str
    what: str
    expected_case: str
    killed: bool = False
    by: tuple[str, ...] = ()
    status: str = SURVIVED
    reason: str = ""
    seconds: float = 0.0

    @property
    def right(self) -> bool:
        """Whether it got what it is owed: death for faults, life for controls."""
        return self.status == (SURVIVED if self.kind == CONTROL else KILLED)

    def as_dict(self) -> dict[str, Any]:
        """The record as JSON knows it."""
        return {**asdict(self), "by": list(self.by), "right": self.right}


def of_mutant(mutant: Mutant, **found: Any) -> Record:
    """Makes the record of a planted function or training."""
    case = mutant.case.text if mutant.kind == FAULT or mutant.trains else ""
    return Record(
        name=mutant.name,
        kind=mutant.kind,
        category=mutant.category,
        backend=mutant.backend,
        operation=mutant.operation,
        clause=mutant.clause,
        what=mutant.what,
        expected_case=case,
        **found,
    )


def of_harness(fault: Harness, **found: Any) -> Record:
    """Makes the record of a fault of the harness."""
    return Record(
        name=f"harness/{fault.name}",
        kind=HARNESS,
        category=HARNESS,
        backend=fault.impl.rpartition(":")[2],
        operation=fault.command,
        clause="",
        what=fault.what,
        expected_case=f"conformance {fault.command}",
        **found,
    )


def judged_fault(right: Sequence[Result], planted: Sequence[Result]) -> dict[str, Any]:
    """Judges a fault by what its case says of the right function and of it.

    Args:
        right: Results of the right function.
        planted: Results of the fault.

    Returns:
        Fields of the record.
    """
    statuses = {result.status for result in right}
    if statuses != {"pass"} or not sum(result.compared for result in right):
        reason = f"the right function: {', '.join(sorted(statuses)) or 'no result'}"
        return {"status": UNFOUNDED, "reason": reason}
    by = _killers(planted)
    if by:
        return {"status": KILLED, "killed": True, "by": by}
    others = {f"{r.status} {r.reason}".strip() for r in planted if r.status != "pass"}
    return {"status": SURVIVED, "reason": "; ".join(sorted(others)[:SHOWN])}


def judged_control(results: Sequence[Result]) -> dict[str, Any]:
    """Judges a control by all that it was asked."""
    wrong = [r for r in results if r.status not in ("pass", "skipped")]
    by = _killers(wrong)
    if by:
        return {"status": KILLED, "killed": True, "by": by}
    compared = sum(result.compared for result in results)
    if wrong or compared <= ENOUGH:
        reason = wrong[0].reason if wrong else ""
        return {"status": UNFOUNDED, "reason": f"{compared} compared; {reason}"}
    return {"status": SURVIVED, "reason": f"{compared} numbers compared"}


def _killers(results: Iterable[Result]) -> tuple[str, ...]:
    failed = [result for result in results if result.status == "fail"]
    names = (r.failures[0].id if r.failures else r.group for r in failed)
    return tuple(dict.fromkeys(names))[:SHOWN]


def timed(make: Callable[..., Record], judge: Callable[[], dict[str, Any]]) -> Record:
    """Judges something and makes its record; what raises is a record too."""
    began = time.perf_counter()
    try:
        found = judge()
    except Exception as error:
        text = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        found = {"status": BROKEN, "reason": text}
    return make(**found, seconds=round(time.perf_counter() - began, 3))
