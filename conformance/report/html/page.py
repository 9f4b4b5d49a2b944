"""The whole report as one page that asks nothing of any network."""

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from conformance.budgets import C_MAX, C_REFERENCE
from conformance.profiles import Result
from conformance.report.cells import Cell, cells
from conformance.report.evidence import Evidence
from conformance.report.facts import FAULTS
from conformance.report.html import curves, training
from conformance.report.html.cases import Case, Key, failing, key_of
from conformance.report.html.index import choices, rows, search_index
from conformance.report.html.top import levels, top
from conformance.report.proof import HARNESS, Proof
from conformance.report.templating import content_policy, render, source

# The first ones have colours of their own on every page.
KNOWN = ("numpy", "torch", "jax")
SECTIONS = {
    "verdict": "Verdict",
    "levels": "Levels",
    "matrix": "Matrix",
    "curves": "Error",
    "training": "Training",
    "claims": "Claims",
    "proof": "Kills",
    "libraries": "Libraries",
    "times": "Timings",
    "cases": "Failing cases",
    "results": "Results",
}
Context = dict[str, Any]


def page(evidence: Evidence) -> str:
    """Writes the page.

    Args:
        evidence: What there is to show.

    Returns:
        HTML with its style, script, figures and data inside.
    """
    style, script = Markup(source("style.css")), Markup(source("page.js"))
    results = evidence.run.results if evidence.run else []
    found, left = failing(results)
    grouped = rows(results)
    return render(
        "page.html",
        policy=content_policy(style, script),
        style=style,
        script=script,
        sections=SECTIONS.items(),
        evidence=evidence,
        cases=found,
        left=left,
        rows=grouped,
        choices=choices(grouped),
        index=search_index(grouped),
        **top(evidence),
        **levels(evidence),
        **_matrix(results, found),
        **_figures(evidence),
        **_proof(evidence.proof),
        **_times(evidence),
    )


def _matrix(results: Sequence[Result], found: Mapping[Key, Case]) -> Context:
    table = cells(results)
    worst = [
        result
        for row in table.values()
        for cell in row.values()
        for result in (cell.value, cell.gradient)
        if result
    ]
    anchors = {id(result): f"worst-{i}" for i, result in enumerate(worst)}
    places = {key: f"case-{i}" for i, key in enumerate(found, 1)}

    def links(result: Result) -> str:
        own = anchors[id(result)]
        return places.get(key_of(result), own) if result.status in FAULTS else own

    by_operation: dict[str, list[tuple[str, dict[str, Cell]]]] = {}
    for (operation, dtype), row in table.items():
        by_operation.setdefault(operation, []).append((dtype, row))
    return {
        "cells": by_operation,
        "worst": worst,
        "anchor": lambda result: anchors[id(result)],
        "links": links,
        "c_max": C_MAX,
        "c_reference": C_REFERENCE,
    }


def _figures(evidence: Evidence) -> Context:
    results = evidence.run.results if evidence.run else []
    names = list(dict.fromkeys([*KNOWN, *evidence.impls]))
    backends = {
        b for one in evidence.outcomes for step in one.lockstep for b in step.distances
    }
    backends |= {one.impl for one in results if one.profile == "training" and one.curve}
    return {
        "curves": curves.figures(results, names),
        "descents": training.descents(results, names),
        "plot": curves,
        "steps": training,
        "marks": curves.MARKS,
        "palette": [
            (name, place % len(curves.MARKS))
            for place, name in enumerate(names)
            if name in evidence.impls
        ],
        "backends": [(n, i) for i, n in enumerate(names) if n in backends],
        "trained": [
            (
                one,
                training.worst(one, names),
                training.panels(one, names),
                training.forests(one),
            )
            for one in evidence.outcomes
        ],
    }


def _proof(proof: Proof | None) -> Context:
    mutants = proof.mutants if proof else ()
    table: dict[tuple[str, str], dict[str, tuple[int, int]]] = {}
    backends = list(
        dict.fromkeys(one.backend for one in mutants if one.kind != HARNESS)
    )
    for mutant in mutants:
        row = table.setdefault((mutant.kind, mutant.category), {})
        # The harness is one, whoever is asked where it is at fault.
        where = "" if mutant.kind == HARNESS else mutant.backend
        wanted, planted = row.get(where, (0, 0))
        row[where] = (wanted + mutant.as_wanted, planted + 1)
    if any(mutant.kind == HARNESS for mutant in mutants):
        backends.append("")
    return {
        "amiss": [mutant for mutant in mutants if not mutant.as_wanted],
        "kills": {"backends": backends, "rows": table},
    }


def _times(evidence: Evidence) -> Context:
    closing = evidence.run.closing if evidence.run else {}
    timings = closing.get("timings") or {}
    return {
        "seconds": closing.get("seconds"),
        "phases": list(timings.get("phases", {}).items()),
        "calls": timings.get("calls", []),
    }
