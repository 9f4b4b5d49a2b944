"""What the reference answers to a call like the one that failed."""

from functools import cache

import numpy as np

from conformance.adapters import Adapter, Outputs, Request, Response, resolve
from conformance.adapters.protocol import Array
from conformance.diagnosis.evidence import Evidence
from conformance.diagnosis.factors import MOST
from conformance.diagnosis.rewritings import Rewriting, rewritings, tiled
from conformance.registry import OPERATIONS
from conformance.vectors import along, class_axis


def another_call(evidence: Evidence) -> str:
    """Names what else was computed, where all numbers agree with it.

    Args:
        evidence: Of one output.

    Returns:
        A sentence, with alternatives where several things give the same numbers; empty
        where nothing does.
    """
    asked = evidence.output in ("value", "sum", "mean") or evidence.of_logits
    if not asked or tiled(evidence):
        return ""
    found = []
    for rewriting in rewritings(evidence):
        numbers = _predicted(evidence, rewriting)
        if numbers is not None and evidence.explained_by(numbers):
            found.append(rewriting.words)
    words = " or ".join(list(dict.fromkeys(found))[:MOST])
    what = (
        f"the {evidence.output} is that" if evidence.whole else "all numbers are those"
    )
    return f"{what} of {words}" if words else ""


def _predicted(evidence: Evidence, rewriting: Rewriting) -> Array | None:
    """The numbers that would have come back; None where the reference has none."""
    factor = np.asarray(rewriting.factor)
    # A factor of every element cannot be put on a total.
    in_parts = evidence.whole and not factor.ndim
    record = OPERATIONS[rewriting.operation or evidence.unit.operation]
    output = f"grad_{record.positional[0]}" if evidence.of_logits else "value"
    want = (output, "normalizer") if in_parts else (output,)
    answer = _asked(evidence, rewriting, want, "parts" if in_parts else "none")
    if not isinstance(answer, Outputs) or output not in answer.arrays:
        return None
    numbers = answer.arrays[output]
    if evidence.whole:
        total = np.sum(numbers * factor)
        normalizer = answer.arrays.get("normalizer", np.asarray(np.size(numbers)))
        divisor = float(normalizer) if evidence.output == "mean" else 1.0
        return np.reshape(total / (divisor or 1.0), evidence.expected.shape)
    if not evidence.slope:
        return numbers * factor
    if rewriting.chain is not None:
        numbers = rewriting.chain(numbers)
    if factor.ndim:
        factor = along(factor, numbers, class_axis(evidence.unit.case))
    return numbers * factor * evidence.spread(evidence.factor) / evidence.divisor


def _asked(
    evidence: Evidence, rewriting: Rewriting, want: tuple[str, ...], reduction: str
) -> Response:
    case = evidence.unit.case
    record = OPERATIONS[rewriting.operation or evidence.unit.operation]
    inputs, arrays, params = dict(case.inputs), dict(case.arrays), dict(case.params)
    for name, value in rewriting.changes.items():
        places = [of for of in (inputs, arrays, params) if name in of]
        for of in places:
            del of[name]
        # What was not there before goes where its kind of argument goes.
        new = arrays if isinstance(value, np.ndarray) else params
        if value is not None:
            [*places, inputs if name in record.positional else new][0][name] = value
    request = Request(
        operation=record.name,
        inputs=inputs,
        positional=record.positional,
        kinds=case.kinds,
        params=params,
        arrays=arrays,
        reduction=reduction,
        returns=record.returns,
        want=want,
    )
    return _reference().eval(request)


@cache
def _reference() -> Adapter:
    return resolve("numpy")
