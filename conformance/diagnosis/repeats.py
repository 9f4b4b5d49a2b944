"""Different truths that came back as one number, and the clamp that made them so."""

from collections.abc import Iterator

import numpy as np

from conformance.budgets import UNIT_ROUNDOFF
from conformance.diagnosis.clamps import SAME, closest, sentence
from conformance.diagnosis.evidence import Evidence
from conformance.diagnosis.factors import numbers

# Sentences about one output.
MOST = 2


def repeated(evidence: Evidence) -> str:
    """Names the numbers that many different truths came back as."""
    if evidence.output != "value" and not evidence.of_logits:
        return ""
    actual, expected = (a[evidence.bad] for a in (evidence.actual, evidence.expected))
    sentences = []
    finite = np.isfinite(actual) & np.isfinite(expected)
    for number in np.unique(actual[finite]):
        truths = np.unique(expected[finite & (actual == number)])
        decoded = _decoded(evidence, float(number)) if truths.size > 1 else ""
        if decoded:
            what = f"{truths.size} different truths came back as"
            sentences.append(f"{what} {decoded}")
    return "; ".join(sentences[:MOST])


def _decoded(evidence: Evidence, number: float) -> str:
    if evidence.slope and number:
        return ""
    if evidence.unit.record.form == "coupled" and not number:
        return "0"
    if evidence.slope:
        return "0, as behind a clamp, or where sigmoid(x) - y rounds to 0"
    if number == 0:
        return "0, as a logarithm of what rounds to 1 does"
    shown, within = f"{number:.6g}", max(SAME, 2 * UNIT_ROUNDOFF[evidence.dtype])
    entry = closest(number, within)
    if entry:
        return sentence(shown, entry)
    for words, factor in _multiples(evidence):
        entry = closest(number / factor, within)
        if entry:
            return sentence(shown, entry, words)
    return ""


def weights(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """Yields what the loss of one side may be multiplied by, by name."""
    found = numbers(evidence)
    # On heat maps alpha is an exponent.
    focal = "heatmap" not in evidence.unit.record.positional
    alpha = found.get("alpha") if focal else None
    sides = {"alpha": alpha, "(1 - alpha)": 1 - alpha} if alpha else {}
    yield from sides.items()
    if "pos_weight" in found:
        yield "pos_weight", found["pos_weight"]
        for name, value in sides.items():
            yield f"{name} · pos_weight", value * found["pos_weight"]
    if "label_smoothing" in found:
        yield "(1 - s/2)", 1 - found["label_smoothing"] / 2
        yield "s/2", found["label_smoothing"] / 2


def _multiples(evidence: Evidence) -> Iterator[tuple[str, float]]:
    """What the loss at a clamp may be multiplied by: weights, and a focal factor."""
    sides, found = dict(weights(evidence)), numbers(evidence)
    yield from sides.items()
    heatmap = "heatmap" in evidence.unit.record.positional
    exponent = found.get("alpha" if heatmap else "gamma", 2.0)
    # Of a smaller epsilon the focal factor is 1.
    for epsilon in (1e-2, 1e-3, 1e-4, 1e-5):
        focal = f"(1 - {epsilon:g})^{exponent:g}"
        for words, factor in {"": 1.0, **sides}.items():
            name = f"{words} · {focal}" if words else focal
            yield name, factor * (1 - epsilon) ** exponent
