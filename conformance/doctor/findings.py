"""A check, what it sees, and the finding that is made of it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from conformance.scores import Scores

# Of classes that are named one by one.
NAMED = 5


class Severity(StrEnum):
    """How much a finding matters; only what is wrong makes the exit status 1.

    ``WRONG``: numbers of the training or of its evaluation are false, or decisions are
    useless. ``WARNING``: it costs something, or cannot be what was meant. ``INFO``: it
    may be meant, and changes how the numbers read.
    """

    WRONG = "wrong"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Seen:
    """What a check sees.

    Attributes:
        text: The evidence, with its numbers.
        numbers: The same for programs.
        remedy: Of this very file, where more can be said than of all.
    """

    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    remedy: str = ""


@dataclass(frozen=True)
class Finding:
    """Something that a file of scores tells.

    Attributes:
        name: Of its check.
        severity: How much it matters.
        title: What it is.
        evidence: What shows it.
        numbers: The same for programs.
        cause: Where it comes from.
        remedy: What to do.
        reference: A claim, or the thread of somebody who had it.
    """

    name: str
    severity: Severity
    title: str
    evidence: str
    numbers: Mapping[str, float]
    cause: str
    remedy: str
    reference: str


@dataclass(frozen=True)
class Check:
    """A question to a file of scores.

    Attributes:
        name: Its name.
        severity: Of what it finds.
        title: What it finds.
        cause: Where that comes from.
        remedy: What to do.
        reference: A claim, or a thread.
        look: The question itself.
        after: Findings that explain this one, or make it meaningless.
    """

    name: str
    severity: Severity
    title: str
    cause: str
    remedy: str
    reference: str
    look: Callable[[Scores], Seen | None]
    after: Collection[str] = ()

    def __call__(self, scores: Scores) -> Finding | None:
        """Asks it."""
        seen = self.look(scores)
        if seen is None:
            return None
        return Finding(
            self.name,
            self.severity,
            self.title,
            seen.text,
            dict(seen.numbers),
            self.cause,
            seen.remedy or self.remedy,
            self.reference,
        )


def check(
    name: str,
    severity: Severity,
    *,
    title: str,
    cause: str,
    remedy: str,
    reference: str,
    after: Collection[str] = (),
) -> Callable[[Callable[[Scores], Seen | None]], Check]:
    """Makes a check of a function; see ``Check``."""

    def wrap(look: Callable[[Scores], Seen | None]) -> Check:
        return Check(name, severity, title, cause, remedy, reference, look, after)

    return wrap


def by_class(scores: Scores, said: Mapping[int, str]) -> str:
    """Says something of several classes.

    Args:
        scores: Whose names are used; a binary task needs none.
        said: What is said, by class.

    Returns:
        A clause for each of the first classes, and the number of the others.
    """
    if scores.classes == 1:
        return next(iter(said.values()))
    clauses = [f"class {scores.names[k]}: {text}" for k, text in said.items()]
    return listed(clauses, "; ")


def listed(words: Iterable[str], by: str = ", ") -> str:
    """Lists the first words, and says how many others there are."""
    own = list(words)
    more = [f"and {len(own) - NAMED} more"] if len(own) > NAMED else []
    return by.join([*own[:NAMED], *more])


def sentence(clauses: str) -> str:
    """Makes a sentence of clauses; names of fields stay as they are written.

    Example:
        >>> sentence("class 1: all pass"), sentence("pos_weight is 5")
        ('Class 1: all pass.', 'pos_weight is 5.')
    """
    named = "_" in clauses.split()[0]
    return f"{clauses}." if named else f"{clauses[0].upper()}{clauses[1:]}."
