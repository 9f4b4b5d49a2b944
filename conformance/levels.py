"""Levels of conformance: what an implementation of an operation may be trusted with.

- **L0** definition: at moderate logits, in sums, identities and shards it means what is
  specified.
- **L1** safe: for every finite logit the value is finite and the gradient alive.
- **L2** accurate: everything is within budget, in every dtype and transform claimed.
- **L3** trains: a training with it goes as with the reference.

Each is held or lost by itself, and only where it was asked for: what no profile of a
run asked about is not known, which is neither.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from conformance.profiles import Result
from conformance.profiles.severity import LEVELS, SPECIAL

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


# Dtype, transform, reduction, output and setting of a call.
Form = tuple[str, str, str, str, str]
# A sum and a mean are values; where one is declined, it has no better name.
WHOLE = {"sum": "value", "mean": "value"}
# What tells groups of one setting apart: a narrower dtype, a length, an id.
VARIANT = re.compile(r"(;?(float32|float64|lopsided|n=\d+))*(#.*)?$")


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
    def partial(self) -> bool:
        """Whether more was declined than judged: what is held, is held of a part."""
        return self.declined > self.judged

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

    def conclude(self, known: Collection[str], open_levels: Collection[str]) -> None:
        """Decides every level from what was added.

        Args:
            known: Profiles that left no question open.
            open_levels: Levels about which something was declined that was answered
                elsewhere.
        """
        for level in LEVELS:
            if level in self.losses:
                self.levels[level] = LOST
            else:
                held = NEEDS[level] <= set(known) and level not in open_levels
                self.levels[level] = HELD if held else UNKNOWN


class _Answers:
    """What an implementation answered and declined of an operation."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.compared: set[str] = set()
        self._dtypes: set[str] = set()
        self._answered: set[Form] = set()
        self._declined: set[tuple[Form, str]] = set()

    def add(self, result: Result) -> None:
        """Takes note of one result."""
        self.seen.add(result.profile)
        if result.compared:
            self.compared.add(result.profile)
            self._dtypes.add(result.dtype)
        _, family, label = (*result.group.split("/", 2), "", "")[:3]
        form = (result.dtype, result.transform, result.reduction)
        output = WHOLE.get(result.output, result.output)
        place: Form = (*form, output, VARIANT.sub("", label))
        if result.status in ("skipped", "not_implemented"):
            self._declined.add((place, family))
        else:
            self._answered.add(place)

    def known(self, asked: Collection[str]) -> Collection[str]:
        """Profiles that left no question open.

        Some have no questions about an operation, or about its dtypes; and who has no
        sums, say, means by the rest what is specified. What was declined throughout
        among values, gradients and identities is not known.
        """
        silent = set(asked) - (self.seen & ESSENTIAL) - {"accuracy", "training"}
        return self.compared | silent if self.compared else ()

    def open_levels(self) -> set[str]:
        """Levels of which an implementation chose what to be judged by.

        It may lack an argument, an output or a transform, for all points alike. Who
        answers a form of call here and declines it there has left something open, and
        so has who claims a dtype and answers nothing in it.
        """
        chosen = [family for form, family in self._declined if form in self._answered]
        found = set[str]()
        for family in chosen:
            found |= {"L2"} if family in SPECIAL else {"L0", "L1", "L2"}
        dtypes = {form[0] for form, _ in self._declined} - {"all"}
        return found | ({"L2"} if dtypes - self._dtypes else set())


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
    answers: dict[tuple[str, str], _Answers] = {}
    for result in results:
        key = (result.impl, result.operation)
        found.setdefault(key, Standing()).add(result)
        answers.setdefault(key, _Answers()).add(result)
    for key, standing in found.items():
        own = answers[key]
        standing.conclude(own.known(profiles), own.open_levels())
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
