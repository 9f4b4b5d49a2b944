"""The departures of the witnesses, asked of any library.

Every one is a question with its answer, about a limit that the vectors reach only with
arguments that most libraries lack.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from conformance.adapters import Errored, Outputs
from conformance.budgets import MEANINGFUL
from conformance.profiles.check import Ask, Check
from conformance.profiles.judge import Result
from conformance.profiles.severity import ACCURATE, DEFINITION
from conformance.profiles.silence import unanswered
from conformance.profiles.witness import clause, deviation
from conformance.witness.departures import DEPARTURES, Departure

# Of the departures, those about what a mean is; over nothing it is a special value.
ABOUT_MEANS = (5,)


def questions(operation: str, framework: str) -> Iterator[Check]:
    """Yields what is asked about an operation.

    Args:
        operation: Name of the operation.
        framework: ``"torch"`` or ``"jax"``.
    """
    for departure in DEPARTURES:
        if departure.operation == operation:
            words = departure.title.replace(" ", "-")
            yield Check(
                profile="witness",
                operation=operation,
                path=f"{operation}/witness/{departure.number};{words}",
                dtype=departure.dtype,
                ask=partial(_ask, departure, framework),
                transform="jit" if framework == "jax" else "eager",
                reduction=departure.reduction,
            )


def _ask(
    departure: Departure,
    framework: str,
    blank: Result,
    ask: Ask,
    device: str,
    limit: float,
) -> Iterator[Result]:
    answer = ask(departure.request(framework, device))
    if not isinstance(answer, Outputs | Errored):
        yield unanswered(blank, answer)
        return
    found = deviation(departure, answer, limit, refusal=None)
    another = departure.number in ABOUT_MEANS and _means_another(departure, answer)
    lost = DEFINITION if another else ACCURATE
    yield replace(
        blank,
        status="fail" if found else "pass",
        lost=lost if found else "",
        compared=1,
        failed=int(bool(found)),
        reason=found,
        clauses=(clause(departure, answer),) if found else (),
    )


def _means_another(departure: Departure, answer: Outputs | Errored) -> bool:
    """Whether the numbers are others, and not only rounded or of another dtype."""
    if not isinstance(answer, Outputs):
        return True
    return not all(
        name in answer.arrays
        and np.shape(answer.arrays[name]) == np.shape(values)
        and np.allclose(answer.arrays[name], values, rtol=MEANINGFUL)
        for name, values in departure.specified.items()
    )
