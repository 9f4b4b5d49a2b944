"""Judges mutants one after the other, in this process or in one of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from conformance.adapters.crew import Answer
from conformance.mutants.catalogue import CONTROL, Case, Mutant, mutants
from conformance.mutants.record import (
    KILLED,
    SURVIVED,
    UNFOUNDED,
    Record,
    judged_control,
    judged_fault,
    of_harness,
    of_mutant,
    timed,
)
from conformance.mutants.trial import Laboratory
from conformance.profiles import Result


class Bench:
    """Judges mutants by name; what is right is asked once for each case."""

    def __init__(self) -> None:
        self._laboratory = Laboratory()
        self._right: dict[tuple[str, str, Case], list[Result]] = {}
        self._trained: dict[tuple[str, str], str] = {}
        self._green: dict[str, int] = {}

    def close(self) -> None:
        """Ends the processes that were needed."""
        self._laboratory.close()

    def judge(self, name: str) -> Record:
        """Judges a mutant.

        Args:
            name: Its name; one that begins with ``harness/`` is of the harness.

        Returns:
            Its record.
        """
        if name.startswith("harness/"):
            return self._harness(name.removeprefix("harness/"))
        mutant = next(one for one in mutants() if one.name == name)
        way = self._function
        if mutant.trains:
            way = self._training
        elif mutant.kind == CONTROL:
            way = self._control
        return timed(_maker(mutant), lambda: way(mutant))

    def _function(self, mutant: Mutant) -> dict[str, Any]:
        key = (mutant.backend, mutant.operation, mutant.case)
        if key not in self._right:
            right = self._laboratory.of_case(mutant, mutant.unbroken())
            self._right[key] = right
        planted = self._laboratory.of_case(mutant, mutant.functions())
        return judged_fault(self._right[key], planted)

    def _control(self, mutant: Mutant) -> dict[str, Any]:
        return judged_control(self._laboratory.broadly(mutant))

    def _training(self, mutant: Mutant) -> dict[str, Any]:
        # Only here, since it imports much.
        from conformance.training.backends import one_thread_each
        from conformance.training.planting import verdict

        strategy = mutant.case.select.rpartition("/")[2]
        key = (mutant.backend, strategy)
        with one_thread_each((mutant.backend,)):
            if key not in self._trained:
                self._trained[key] = verdict(mutant.backend, None, strategy)[0]
            found, update = verdict(mutant.backend, mutant.planted(), strategy)
        if self._trained[key] != "pass":
            reason = f"the right training: {self._trained[key]}"
            return {"status": UNFOUNDED, "reason": reason}
        if found == "pass":
            return {"status": SURVIVED}
        by = (f"{mutant.case.select}: {found} at update {update}",)
        return {"status": KILLED, "killed": True, "by": by}

    def _harness(self, name: str) -> Record:
        from conformance.mutants.harness_faults import ALL
        from conformance.mutants.red import status

        fault = next(one for one in ALL if one.name == name)

        def judge() -> dict[str, Any]:
            if fault.command not in self._green:
                self._green[fault.command] = status(fault, planted=False)[0]
            if self._green[fault.command]:
                reason = f"without it the status is {self._green[fault.command]}"
                return {"status": UNFOUNDED, "reason": reason}
            found, lines = status(fault)
            if not found:
                return {"status": SURVIVED}
            by = (f"status {found}", *lines)[:3]
            return {"status": KILLED, "killed": True, "by": by}

        return timed(lambda **found: of_harness(fault, **found), judge)


def _maker(mutant: Mutant) -> Callable[..., Record]:
    return lambda **found: of_mutant(mutant, **found)


def serve(_rank: int, _size: int, _folder: Path) -> Answer:
    """Returns what judges mutants in a worker."""
    bench = Bench()
    return lambda name, _: bench.judge(name)
