"""Diagnosis: what one cause explains all of a failure.

Nothing here is a verdict. A sentence is given where every number of an output agrees
with it: one factor between what came back and what is specified; the answer to another
call, such as one with ``1 - alpha``; or a trace that some arithmetic leaves, such as
the number that a clamp ends at. Where several explanations give the same numbers, all
are named, and where none does, none is.
"""

from typing import TYPE_CHECKING

import numpy as np

from conformance.diagnosis.bad_labels import of_bad_labels
from conformance.diagnosis.clamps import explain_number
from conformance.diagnosis.evidence import Evidence
from conformance.diagnosis.factors import one_factor, ratio_of
from conformance.diagnosis.predict import another_call
from conformance.diagnosis.traces import trace

if TYPE_CHECKING:
    from conformance.profiles.judge import Truth, Upstream
    from conformance.profiles.unit import Unit
    from conformance.vectors import Array


def diagnose(
    unit: "Unit",
    output: str,
    truth: "Truth",
    actual: "Array",
    dtype: str,
    upstream: "Upstream",
    limit: float,
) -> str:
    """Says what explains a failed output.

    Args:
        unit: What was asked.
        output: Name of the output, as in the vectors.
        truth: What was expected.
        actual: What came back, of the same shape.
        dtype: Dtype in which it came back.
        upstream: What true gradients are multiplied by.
        limit: Largest error that passes, in units of u * scale.

    Returns:
        A sentence that all of the numbers agree with, or nothing.
    """
    try:
        return _told(Evidence.of(unit, output, truth, actual, dtype, upstream, limit))
    except Exception as error:
        # It is no verdict, so it must not keep anybody from one.
        return f"no diagnosis ({type(error).__name__}: {error})"


def _told(evidence: Evidence | None) -> str:
    if evidence is None:
        return ""
    # Explanations may overflow where what they explain does not.
    with np.errstate(all="ignore"):
        if not evidence.telling:
            return trace(evidence)
        factor, named = one_factor(evidence)
        return factor if named else another_call(evidence) or factor or trace(evidence)


def diagnose_pair(actual: "Array", expected: "Array", within: float) -> str:
    """Says by which factor two answers differ, where they do by one.

    Args:
        actual: What came back.
        expected: What it must agree with.
        within: Largest difference, relative to the largest number, that is none.

    Returns:
        A sentence, or nothing.
    """
    ratio = ratio_of(np.asarray(actual), np.asarray(expected), within)
    if ratio is None:
        return ""
    return f"every number is {ratio:.4g} times what is expected"


__all__ = ["diagnose", "diagnose_pair", "explain_number", "of_bad_labels"]
