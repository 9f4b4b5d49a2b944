"""What ``conformance prove`` found: planted faults, and whether they were noticed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

FAULT, CONTROL, HARNESS = "fault", "control", "harness"
# Of what says nothing, since the right function fails too, or something else broke.
UNJUDGED = ("unfounded", "broken")


@dataclass(frozen=True)
class Mutant:
    """Something planted.

    Attributes:
        name: Its name.
        kind: ``"fault"``, ``"control"``, which is right in another way, or
            ``"harness"``, a fault of the suite itself.
        category: What sort of fault.
        backend: Where it was planted.
        operation: In which operation.
        clause: Clause of the specification that it departs from.
        what: What it does, in words.
        killed: Whether the suite turned red; None if it was not run.
        by: Ids of the cases that noticed.
        seconds: How long that took, if it was recorded.
        status: What the command says of it.
    """

    name: str
    kind: str
    category: str
    backend: str
    operation: str
    clause: str
    what: str
    killed: bool | None
    by: tuple[str, ...]
    seconds: float | None
    status: str

    @property
    def as_wanted(self) -> bool:
        """A fault is killed, a control survives; what was not judged is neither."""
        return self.killed is (self.kind != CONTROL) and self.status not in UNJUDGED

    @property
    def fate(self) -> str:
        """What became of it, in a word or two."""
        if self.killed is None:
            return "not run"
        if self.status in UNJUDGED:
            return self.status
        return "killed" if self.killed else "survived"


@dataclass(frozen=True)
class Proof:
    """All that was planted.

    Attributes:
        header: What the proof depends on.
        mutants: One for each.
        interrupted: Whether some are missing.
    """

    header: Mapping[str, Any] = field(default_factory=dict)
    mutants: tuple[Mutant, ...] = ()
    interrupted: bool = False

    def of_kind(self, kind: str) -> list[Mutant]:
        """The mutants of a kind."""
        return [mutant for mutant in self.mutants if mutant.kind == kind]

    @property
    def holds(self) -> bool:
        """Whether there are faults, none is missing, and everything is as wanted."""
        faults = bool(self.of_kind(FAULT)) and not self.narrowing
        return faults and all(mutant.as_wanted for mutant in self.mutants)

    @property
    def narrowing(self) -> str:
        """Says that not everything was planted; empty if it was."""
        if self.interrupted:
            return "interrupted"
        options = self.header.get("options") or {}
        asked = (name for name in ("select", "quick") if options.get(name))
        return " ".join(f"only --{name}" for name in asked)

    @property
    def phrases(self) -> list[str]:
        """What was found, one phrase for each kind."""
        found = []
        for kind, verb in ((FAULT, "killed"), (HARNESS, "caught")):
            own = self.of_kind(kind)
            done = sum(mutant.as_wanted for mutant in own)
            name = "faults" if kind == FAULT else "harness faults"
            found.append(f"{done} of {len(own)} {name} {verb}")
        own = self.of_kind(CONTROL)
        alive = sum(mutant.as_wanted for mutant in own)
        found.append(f"{alive} of {len(own)} controls survive")
        return [*found, self.narrowing] if self.narrowing else found


def parse(record: Mapping[str, Any]) -> Proof:
    """Reads what the command wrote.

    Args:
        record: The JSON object.

    Returns:
        The proof.

    Raises:
        KeyError: A mutant has no name or kind.
        TypeError: Something is of another type.
        ValueError: A mutant is of no known kind.
    """
    return Proof(
        header=dict(record.get("header") or {}),
        mutants=tuple(map(_mutant, record["mutants"])),
        interrupted=bool(record.get("interrupted")),
    )


def _mutant(raw: Mapping[str, Any]) -> Mutant:
    kind, killed, seconds = raw["kind"], raw.get("killed"), raw.get("seconds")
    if kind not in (FAULT, CONTROL, HARNESS):
        raise ValueError(f"no kind of mutant: {kind!r}")
    if killed is not None and not isinstance(killed, bool):
        raise TypeError(f"killed is true, false or null, got {killed!r}")
    words = ("category", "backend", "operation", "clause", "what", "status")
    return Mutant(
        name=str(raw["name"]),
        kind=kind,
        killed=killed,
        by=tuple(map(str, raw.get("by") or ())),
        seconds=None if seconds is None else float(seconds),
        **{word: str(raw.get(word) or "") for word in words},
    )
