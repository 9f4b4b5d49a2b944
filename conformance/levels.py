"""Levels of conformance: what an implementation of an operation may be trusted with.

- **L0** definition: at moderate logits, in sums, identities and shards it means what is
  specified.
- **L1** safe: for every finite logit the value is finite and the gradient alive.
- **L2** accurate: everything is within budget, in every dtype and transform claimed.
- **L3** trains: a training with it goes as with the reference.

Each is held or lost by itself, and only where it was asked for: what no profile of a
run asked about is not known, which is neither.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from conformance.profiles import Result
from conformance.profiles.severity import LEVELS

HELD, LOST, UNKNOWN = "held", "lost", "unknown"
# Without these profiles nothing is known of a level.
NEEDS: Mapping[str, frozenset[str]] = {
    "L0": frozenset({"accuracy", "gradients", "reductions", "semantics"}),
    "L1": frozenset({"accuracy", "gradients"}),
    "L2": frozenset({"accuracy", "gradients", "reductions", "dtypes", "bad_input"}),
    "L3": frozenset({"training"}),
}
# Of these, numbers must have been compared wherever they were asked for.
ESSENTIAL = frozenset({"accuracy", "gradients", "semantics"})


@dataclass
class Standing:
    """How an implementation stands in an operation.

    Attributes:
        levels: ``"held"``, ``"lost"`` or ``"unknown"`` by level.
        compared: Numbers compared.
        judged: Results that were judged.
        declined: Results that it skipped or did not implement.
        losses: Results by the level that they lose.
    """

    levels: dict[str, str] = field(default_factory=dict)
    compared: int = 0
    judged: int = 0
    declined: int = 0
    losses: dict[str, list[Result]] = field(default_factory=dict)

    @property
    def reached(self) -> str:
        """The highest level that is held with all below it; empty for none."""
        reached = ""
        for level in LEVELS:
            if self.levels[level] != HELD:
                break
            reached = level
        return reached

    def add(self, result: Result) -> None:
        """Counts one result."""
        self.compared += result.compared
        if result.status in ("skipped", "not_implemented"):
            self.declined += 1
            return
        self.judged += 1
        if result.lost:
            self.losses.setdefault(result.lost, []).append(result)

    def conclude(self, known: Collection[str]) -> None:
        """Decides every level from what was added.

        Args:
            known: Profiles that left no question open.
        """
        for level in LEVELS:
            if level in self.losses:
                self.levels[level] = LOST
            else:
                self.levels[level] = HELD if NEEDS[level] <= set(known) else UNKNOWN


def standings(
    results: Iterable[Result], profiles: Collection[str]
) -> dict[tuple[str, str], Standing]:
    """Says where every implementation stands in every operation.

    Args:
        results: Of a run without ``--select``, which leaves gaps that nobody sees.
        profiles: Profiles that the run asked.

    Returns:
        Standings by implementation and operation, in the order of the results.
    """
    found: dict[tuple[str, str], Standing] = {}
    seen: dict[tuple[str, str], set[str]] = {}
    answered: dict[tuple[str, str], set[str]] = {}
    for result in results:
        key = (result.impl, result.operation)
        found.setdefault(key, Standing()).add(result)
        seen.setdefault(key, set()).add(result.profile)
        if result.compared:
            answered.setdefault(key, set()).add(result.profile)
    for key, standing in found.items():
        compared = answered.get(key, set())
        # Some profiles have no questions about an operation, or about its dtypes; and
        # who has no sums, say, means by the rest what is specified. What was declined
        # among values, gradients and identities is not known.
        silent = set(profiles) - (seen[key] & ESSENTIAL) - {"accuracy", "training"}
        standing.conclude(compared | silent if compared else ())
    return found


def lowest(levels: Iterable[str]) -> str:
    """Returns the lowest of several reached levels; empty if one is."""
    ranked = [("", *LEVELS).index(level) for level in levels]
    return ("", *LEVELS)[min(ranked, default=0)]


def of_implementation(
    found: Mapping[tuple[str, str], Standing], impl: str
) -> Iterator[Standing]:
    """Yields the standings of an implementation in what it has.

    Args:
        found: Standings of a run.
        impl: Implementation, as given to ``--impl``.
    """
    for (name, _), standing in found.items():
        if name == impl and standing.judged:
            yield standing
