"""PyTorch and optax as witnesses: agreement on random calls, and known departures.

The peer of the implementation's own framework is asked the same questions through the
same protocol. Where it is accurate, both must agree. Where it departs from the
specification ours must give what is specified; a departure that the installed peer no
longer has is reported as such and passes, since the fault was never ours.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from conformance.adapters import Errored, Outputs, Response
from conformance.budgets import WITNESS_UNITS, error_units
from conformance.profiles.check import Ask, Check
from conformance.profiles.evaluate import ask
from conformance.profiles.judge import Result, tally
from conformance.profiles.severity import ACCURATE
from conformance.profiles.silence import unanswered
from conformance.profiles.unit import HALVES, Scope
from conformance.witness import DEPARTURES, Departure, Draw, Peer, draws, peer
from conformance.witness.draws import REDUCTIONS
from conformance.witness.peers import MODULES

# Calls of each kind of labels and reduction. PyTorch's are eager and cheap; of JAX's,
# each holds many rows.
CALLS = {"torch": 160, "jax": 40}
QUICK_CALLS = {"torch": 12, "jax": 0}


def units(scope: Scope) -> Iterator[Check]:
    """Yields random calls and departures of the peer of the framework, if it has one.

    A quick run asks few calls, and JAX, which compiles them, none.
    """
    framework = scope.capabilities.framework
    if framework not in MODULES or "float64" not in scope.capabilities.dtypes:
        return
    count = (QUICK_CALLS if scope.quick else CALLS)[framework]
    for labels in ("soft", "index"):
        for reduction in REDUCTIONS[framework]:
            form = (framework, scope.operation, labels, reduction)
            if any(draws(*form, min(count, 1))):
                yield Check(
                    profile="witness",
                    operation=scope.operation,
                    path=f"{scope.operation}/witness/{framework};labels={labels}",
                    dtype="float64",
                    ask=partial(_agree, form, count),
                    transform="jit" if framework == "jax" else "eager",
                    reduction=reduction,
                )
    for departure in DEPARTURES:
        if departure.operation != scope.operation or not count:
            continue
        if framework in departure.frameworks:
            yield Check(
                profile="witness",
                operation=scope.operation,
                path=departure.path(framework),
                dtype=departure.dtype,
                ask=partial(_depart, departure, framework),
                transform="jit" if framework == "jax" else "eager",
                reduction=departure.reduction,
            )


def _agree(
    form: tuple[str, str, str, str],
    count: int,
    blank: Result,
    ours: Ask,
    device: str,
    limit: float,
) -> Iterator[Result]:
    """Compares ours with the peer on random calls."""
    del limit  # the peer has errors of its own
    witness = _witness(form[0])
    if isinstance(witness, str):
        yield replace(blank, status="skipped", reason=witness)
        return
    # Calls this small gain nothing from threads and wait for them on a busy machine.
    with threadpool_limits(1):
        answers = _answers(blank, draws(*form, count), ours, witness, device)
    if isinstance(answers, Result):
        yield answers
        return
    for output, rows in answers.items():
        yield _compare(replace(blank, output=output), rows)


def _answers(
    blank: Result, asked: Iterable[Draw], ours: Ask, witness: Peer, device: str
) -> dict[str, list[tuple[Draw, Any, Any]]] | Result:
    """Returns draws with both answers for each output, or what went wrong."""
    found: dict[str, list[tuple[Draw, Any, Any]]] = {}
    for draw in asked:
        request = replace(draw.request, device=device)
        answers = ours(request), ask(witness.adapter, request)
        for answer, name in zip(answers, ("", f"{witness.name}: "), strict=True):
            if not isinstance(answer, Outputs):
                return _unanswered(blank, draw.id, answer, name)
        for output in request.want:
            mine, other = (getattr(a, "arrays", {}).get(output) for a in answers)
            found.setdefault(output, []).append((draw, mine, other))
    return found


def _witness(framework: str) -> Peer | str:
    """Returns the peer, or why there is none."""
    try:
        return peer(framework)
    except ImportError as error:
        return f"no peer of {framework} here ({error})"


def _unanswered(blank: Result, where: str, answer: Response, name: str) -> Result:
    found = unanswered(blank, answer)
    return replace(found, reason=f"{name}{found.reason} at {where}")


def _compare(result: Result, rows: Sequence[tuple[Draw, Any, Any]]) -> Result:
    ids, units, ours, theirs = [], [], [], []
    for draw, mine, other in rows:
        if np.shape(mine) != np.shape(other):
            reason = f"shape {np.shape(mine)}, {np.shape(other)} in the peer"
            return replace(
                result, status="fail", compared=1, failed=1, worst_id=draw.id,
                reason=f"{reason}, at {draw.id}", lost=ACCURATE,
            )  # fmt: skip
        scale = draw.scale[result.output]
        units.append(np.ravel(error_units(mine, other, 0.0, scale, "float64")))
        ours.append(np.ravel(mine))
        theirs.append(np.ravel(other))
        ids += [draw.id] * ours[-1].size
    joined = [np.concatenate(numbers) for numbers in (units, theirs, ours)]
    found = tally(result, joined[0], joined[1], joined[2], ids, WITNESS_UNITS)
    # Measured by another scale than the errors of all other profiles.
    return replace(found, worst=None)


def _depart(
    departure: Departure,
    framework: str,
    blank: Result,
    ours: Ask,
    device: str,
    limit: float,
) -> Iterator[Result]:
    """Asks ours for what is specified, and names what the peer gives."""
    request = departure.request(framework, device)
    answer = ours(request)
    if not isinstance(answer, Outputs | Errored):
        yield _unanswered(blank, departure.path(framework), answer, "")
        return
    witness = _witness(framework)
    if isinstance(witness, str):
        reason = witness
    else:
        other = deviation(departure, ask(witness.adapter, request), limit, refusal=None)
        reason = f"{witness.name}: {other or 'the peer now agrees'}"
    wrong = deviation(departure, answer, limit, refusal="ValueError")
    yield replace(
        blank,
        status="fail" if wrong else "pass",
        lost=ACCURATE if wrong else "",
        compared=1,
        failed=int(bool(wrong)),
        reason=f"ours: {wrong}; {reason}" if wrong else reason,
        clauses=(clause(departure, answer),) if wrong else (),
    )


def deviation(
    departure: Departure, answer: Response, limit: float, *, refusal: str | None
) -> str:
    """Says how an answer differs from what is specified.

    Args:
        departure: What was asked.
        answer: What came back.
        limit: Largest error in units of u * amplification * truth.
        refusal: The kind of error that stands for NaN; None is any.

    Returns:
        Words; empty where nothing differs.
    """
    if isinstance(answer, Errored):
        poison = all(np.isnan(v).all() for v in departure.specified.values())
        if poison and refusal in (None, answer.kind):
            return ""
        return f"{answer.kind}: {answer.message}"
    if not isinstance(answer, Outputs):
        return getattr(answer, "reason", repr(answer))
    found = []
    for output, values in departure.specified.items():
        truth = np.asarray(values, float)
        actual = answer.arrays.get(output)
        dtype = _dtype(departure, output)
        name = answer.dtypes.get(output, "nothing")
        if actual is None or actual.shape != truth.shape or name != dtype:
            found.append(f"{output} {_text(actual)} in {name}, specified {dtype}")
            continue
        scale = departure.amplification * np.abs(truth)
        units = error_units(actual, truth, 0.0, scale, dtype)
        if not (units <= limit).all():
            found.append(f"{output} {_text(actual)}, specified {_text(truth)}")
    return "; ".join(found)


def clause(departure: Departure, answer: Response) -> str:
    """The clause that an answer departs from, if it does.

    Args:
        departure: What was asked.
        answer: What came back.

    Returns:
        That of the question; where the answer has another dtype or shape, the one
        about these, whatever the numbers in it.
    """
    if not isinstance(answer, Outputs):
        return departure.clause
    for output, values in departure.specified.items():
        dtype = _dtype(departure, output)
        if answer.dtypes.get(output, dtype) != dtype:
            return "GEN-6"
        actual = answer.arrays.get(output)
        if actual is not None and actual.shape != np.shape(values):
            return "GEN-2"
    return departure.clause


def _dtype(departure: Departure, output: str) -> str:
    """The dtype in which an output is specified."""
    half = departure.dtype in HALVES and output == "value"
    return "float32" if half else departure.dtype


def _text(array: Any) -> str:
    return (
        "" if array is None else np.array2string(array, precision=6).replace("\n", "")
    )
