"""What ``conformance claims`` found: verdicts on the source articles."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# From best to worst, with the kind of its chip.
KINDS: Mapping[str, str] = {
    "holds": "good",
    "holds when": "care",
    "fails": "bad",
    "not testable here": "",
    "no evidence": "care",
}


@dataclass(frozen=True)
class Judged:
    """A claim and its verdict.

    Attributes:
        number: As ``"A1"``.
        article: Subject of the article.
        claim: What is asserted.
        checked: What was compared.
        verdict: Key of ``KINDS``.
        condition: Of ``"holds when"``.
        explanation: Why.
        note: How what was expected came out.
        shown: Evidence in lines.
        commands: That compute it again.
        sources: Records that it was read from.
    """

    number: str
    article: str
    claim: str
    checked: str
    verdict: str
    condition: str
    explanation: str
    note: str
    shown: tuple[str, ...]
    commands: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def kind(self) -> str:
        """Of its chip."""
        return KINDS[self.verdict]


@dataclass(frozen=True)
class Ledger:
    """All claims that were judged.

    Attributes:
        source: Digest of the code that judged.
        level: Coverage of intervals over paired seeds.
        claims: In the order of the articles.
    """

    source: str
    level: float
    claims: tuple[Judged, ...]

    @property
    def articles(self) -> dict[str, list[Judged]]:
        """Claims by article."""
        found: dict[str, list[Judged]] = {}
        for one in self.claims:
            found.setdefault(f"{one.number[:1]}. {one.article}", []).append(one)
        return found

    @property
    def counts(self) -> dict[str, int]:
        """How many claims have which verdict."""
        counts = Counter(one.verdict for one in self.claims)
        return {verdict: counts[verdict] for verdict in KINDS if counts[verdict]}

    @property
    def sources(self) -> list[str]:
        """Records of training that any claim was judged by."""
        return list(dict.fromkeys(s for one in self.claims for s in one.sources))


def parse(record: Mapping[str, Any]) -> Ledger:
    """Reads what the command wrote.

    Args:
        record: The JSON object.

    Returns:
        The ledger.

    Raises:
        KeyError: Something is missing.
        TypeError: Something is of another type.
        ValueError: A verdict is none.
    """
    return Ledger(
        str(record["source"]),
        float(record["level"]),
        tuple(map(_judged, record["claims"])),
    )


def _judged(row: Mapping[str, Any]) -> Judged:
    if row["verdict"] not in KINDS:
        raise ValueError(f"no verdict: {row['verdict']!r}")
    words = ("number", "article", "claim", "checked", "verdict", "condition")
    return Judged(
        **{name: str(row[name]) for name in (*words, "explanation", "note")},
        shown=tuple(map(str, row["shown"])),
        commands=tuple(map(str, row["commands"])),
        sources=tuple(str(source["shown"]) for source in row["sources"]),
    )
