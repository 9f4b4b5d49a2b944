"""What a claim of the source articles is, and how it comes to its verdict."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.training.ledger.runs import MissingRunError, Runs, Source

Evidence = dict[str, Any]

HOLDS, FAILS, HOLDS_WHEN = "holds", "fails", "holds when"
NOT_TESTABLE, NO_EVIDENCE = "not testable here", "no evidence"
VERDICTS = (HOLDS, HOLDS_WHEN, FAILS, NOT_TESTABLE, NO_EVIDENCE)

ARTICLES: Mapping[str, str] = {
    "A": "pos_weight at 5 : 1, three weighting strategies",
    "B": "weight versus pos_weight in multi-label data",
    "C": "class weights and label smoothing in cross entropy",
    "D": "BCE from probabilities versus BCE from logits",
    "E": "cross entropy, focal and GHM-C at extreme imbalance",
}


@dataclass(frozen=True)
class Verdict:
    """What the evidence says of a claim.

    Attributes:
        word: One of ``VERDICTS``.
        sentence: Why, with the numbers.
        condition: Of ``HOLDS_WHEN``, to be read after it.
    """

    word: str
    sentence: str
    condition: str = ""

    def __str__(self) -> str:
        return f"{self.word} {self.condition}".rstrip()


def holds(sentence: str) -> Verdict:
    """The claim is true as it stands."""
    return Verdict(HOLDS, sentence)


def holds_when(condition: str, sentence: str) -> Verdict:
    """The claim is true under a condition that it does not state."""
    return Verdict(HOLDS_WHEN, sentence, condition)


def fails(sentence: str) -> Verdict:
    """The claim is not true as it stands."""
    return Verdict(FAILS, sentence)


def undetermined(sentence: str) -> Verdict:
    """There are numbers, and they are too few to tell."""
    return Verdict(NO_EVIDENCE, sentence)


@dataclass(frozen=True)
class Note:
    """What this project expected of a claim before anything was run.

    Attributes:
        text: The expectation.
        comes_out: Whether evidence agrees with it.
    """

    text: str
    comes_out: Callable[[Evidence], bool]


@dataclass(frozen=True)
class Claim:
    """One row of the ledger.

    Attributes:
        number: As ``"A1"``; the letter is that of the article.
        text: What is asserted.
        checked: What was computed or compared.
        evidence: Computes numbers; called with the runs if ``recipes`` names any.
        judge: Turns such numbers into a verdict, and looks at nothing else.
        recipes: Comparisons that the evidence is read from.
        note: What was expected.
    """

    number: str
    text: str
    checked: str
    evidence: Callable[..., Evidence]
    judge: Callable[[Evidence], Verdict]
    recipes: tuple[str, ...] = ()
    note: Note | None = None

    @property
    def article(self) -> str:
        """Subject of the article that asserts it."""
        return ARTICLES[self.number[0]]


@dataclass(frozen=True)
class Entry:
    """A claim with its evidence and verdict.

    Attributes:
        claim: What is asserted.
        evidence: Numbers; empty without.
        verdict: What they say.
        note: How what was expected came out; empty where nothing was.
        sources: Records of training that numbers were read from.
    """

    claim: Claim
    evidence: Evidence
    verdict: Verdict
    note: str = ""
    sources: tuple[Source, ...] = field(default=())

    @property
    def commands(self) -> tuple[str, ...]:
        """What computes the numbers again."""
        return (
            *(f"conformance compare {recipe}" for recipe in self.claim.recipes),
            f"conformance claims --select {self.claim.number}",
        )


def settle(claim: Claim, runs: Runs) -> Entry:
    """Gathers the evidence of a claim and judges it.

    Args:
        claim: One row.
        runs: Records of training.

    Returns:
        The entry; without the runs that it needs, "no evidence" and what is missing.
    """
    sources = tuple(runs.source(recipe) for recipe in claim.recipes)
    found = tuple(source for source in sources if source is not None)
    try:
        evidence = claim.evidence(runs) if claim.recipes else claim.evidence()
    except MissingRunError as missing:
        return Entry(claim, {}, Verdict(NO_EVIDENCE, str(missing)), sources=found)
    verdict = claim.judge(evidence)
    return Entry(claim, evidence, verdict, _came_out(claim, evidence, verdict), found)


def _came_out(claim: Claim, evidence: Evidence, verdict: Verdict) -> str:
    if claim.note is None:
        return ""
    if verdict.word == NO_EVIDENCE:
        return f"expected: {claim.note.text}; open"
    right = claim.note.comes_out(evidence)
    outcome = "came out as expected" if right else "the expectation was mistaken"
    return f"expected: {claim.note.text}; {outcome}"
