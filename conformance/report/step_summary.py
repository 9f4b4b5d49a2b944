"""The report in Markdown, as GitHub shows it below a run."""

from collections.abc import Sequence

from conformance.budgets import C_MAX, C_REFERENCE
from conformance.levels import HELD, LOST
from conformance.profiles import Result
from conformance.report import facts
from conformance.report.cells import worst_of
from conformance.report.evidence import Evidence
from conformance.report.junit import message_of
from conformance.report.points import command_of
from conformance.report.templating import render
from conformance.report.terminal import MAX_FAILURES

SIGNS = {HELD: "✓", LOST: "✗"}
MAX_WORST = 40


def step_summary(evidence: Evidence) -> str:
    """Writes the summary.

    Args:
        evidence: What there is to tell.

    Returns:
        Markdown in which text of others stands as it is.
    """
    results = evidence.run.results if evidence.run else []
    failed = list(facts.faults(results))
    proof, comparison = evidence.proof, evidence.comparison
    return render(
        "summary.md",
        evidence=evidence,
        verdict=facts.verdict(evidence),
        others=[
            ("Training", [f"{o.recipe}: {o.verdict}" for o in evidence.outcomes]),
            ("Fault injection", proof.phrases if proof else []),
            ("Other libraries", comparison.phrases if comparison else []),
        ],
        narrowing=facts.narrowing(evidence.run) if evidence.run else "",
        reaches=_reaches(evidence),
        ladders=[
            (operation, [_signs(states) for states in row])
            for operation, row in facts.ladders(evidence)
        ],
        worst=_worst(results, evidence.impls),
        failed=[(r, message_of(r), command_of(r)) for r in failed[:MAX_FAILURES]],
        more=max(len(failed) - MAX_FAILURES, 0),
        c_max=C_MAX,
        c_reference=C_REFERENCE,
    )


def _reaches(evidence: Evidence) -> list[tuple[str, str]]:
    if evidence.run is None:
        return []
    found = [(impl, facts.reach(evidence.run, impl)) for impl in evidence.impls]
    return [
        (impl, f"{reach.level or 'unknown'}{' in part' if reach.partial else ''}")
        for impl, reach in found
    ]


def _signs(states: Sequence[tuple[str, str]] | None) -> str:
    if states is None:
        return "not implemented"
    return " ".join(f"{level}{SIGNS.get(state, '?')}" for level, state in states)


def _worst(results: Sequence[Result], impls: Sequence[str]) -> list[Result]:
    """The worst of every implementation and operation."""
    by_pair: dict[tuple[str, str], list[Result]] = {}
    for result in sorted(results, key=lambda result: impls.index(result.impl)):
        by_pair.setdefault((result.impl, result.operation), []).append(result)
    found = [worst_of(own) for own in by_pair.values()]
    return [result for result in found if result][:MAX_WORST]
