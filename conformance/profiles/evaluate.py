"""Evaluates batches and turns the answers into results."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from conformance import clauses
from conformance.adapters import (
    Errored,
    Evaluator,
    NotImplementedOperation,
    Outputs,
    Request,
    Response,
    Skipped,
)
from conformance.profiles.batch import Batch, apart
from conformance.profiles.check import Check
from conformance.profiles.curvature import judge_curvature
from conformance.profiles.judge import Result, Upstream, blank, judge, tally
from conformance.profiles.severity import ACCURATE, lost_by_silence
from conformance.profiles.unit import Unit, refused
from conformance.vectors import SumCase, class_axis

STATUS = {
    Skipped: "skipped",
    Errored: "errored",
    NotImplementedOperation: "not_implemented",
}


def evaluate(
    batch: Batch | Check, adapter: Evaluator, impl: str, device: str, limit: float
) -> Iterator[Result]:
    """Asks an implementation for a batch and judges the answer.

    Args:
        batch: Units to evaluate in one call, or a check.
        adapter: The implementation, started.
        impl: Its name in results.
        device: Device to run on.
        limit: Largest error that passes, in units of u * scale.

    Yields:
        The results of every unit.
    """
    if isinstance(batch, Check):
        found = batch.run(partial(ask, adapter), impl, device, limit)
        yield from map(clauses.cite, found)
        return
    request = batch.request(device)
    response = ask(adapter, request)
    if isinstance(response, Errored) and batch.units[1:]:
        # One group that is refused must not speak against the others.
        for part in apart(batch):
            yield from evaluate(part, adapter, impl, device, limit)
        return
    if batch.units[0].repeat and isinstance(response, Outputs):
        response = ask(adapter, request)
    for i, unit in enumerate(batch.units):
        own = batch.part(response, i) if isinstance(response, Outputs) else response
        if unit.bad:
            own = _point_by_point(unit, own, request, adapter)
            unit = replace(unit, want=("bad_value",))
        for result in _judged(impl, batch, i, unit, own, limit):
            ids = [failure.id for failure in result.failures] or unit.ids
            wrong = result.status in ("fail", "errored")
            yield clauses.cite(result, clauses.evidence(unit, ids) if wrong else ())


def _judged(
    impl: str, batch: Batch, i: int, unit: Unit, own: Response, limit: float
) -> Iterator[Result]:
    """The results of one unit of a batch."""
    if not isinstance(own, Outputs):
        yield from _unanswered(impl, unit, own)
    elif unit.want == ("bad_value",):
        yield _judge_bad(impl, unit, own)
    elif unit.want == ("hvp",):
        tangent = batch.tangent[batch.slices[i]]
        yield judge_curvature(impl, unit, own, tangent, limit)
    else:
        yield from judge(impl, unit, own, _upstream(batch, unit, i), limit)
    if unit.repeat and isinstance(own, Outputs) and own.traces is not None:
        yield _judge_traces(impl, unit, own.traces)


def ask(adapter: Evaluator, request: Request) -> Response:
    """Asks, and reports an adapter that raises instead of answering."""
    try:
        return adapter.eval(request)
    except Exception as error:
        return Errored(f"adapter: {type(error).__name__}", str(error))


def _unanswered(impl: str, unit: Unit, response: Response) -> Iterator[Result]:
    if isinstance(response, Errored):
        reason = f"{response.kind}: {response.message}"
    else:
        reason = getattr(response, "reason", repr(response))
    # Anything that is not a message of the protocol is a fault of the adapter.
    status = STATUS.get(type(response), "errored")
    silent = lost_by_silence(unit.path, unit.profile)
    lost = silent if status == "errored" else ""
    for output in unit.want:
        yield replace(blank(impl, unit, output, status, reason), lost=lost)


def _upstream(batch: Batch, unit: Unit, i: int) -> Upstream:
    """The cotangent that was passed in, and what a mean divides by."""
    factor = batch.upstream[batch.slices[i]] if unit.weighted else np.ones(())
    tangent = batch.tangent[batch.slices[i]]
    if unit.reduction != "mean":
        return Upstream(factor, tangent=tangent)
    if isinstance(unit.case, SumCase):
        normalizer = float(unit.case.expected["normalizer"].hi)
        return Upstream(factor, normalizer or 1, tangent)
    return Upstream(factor, max(batch.size, 1), tangent)


def _judge_traces(impl: str, unit: Unit, traces: int) -> Result:
    result = blank(impl, unit, "traces", "pass" if traces == 1 else "fail")
    reason = "" if traces == 1 else f"traced {traces} times for two equal calls"
    failed = int(traces != 1)
    lost = ACCURATE if failed else ""
    return replace(result, compared=1, failed=failed, reason=reason, lost=lost)


def _point_by_point(
    unit: Unit, response: Response, request: Request, adapter: Evaluator
) -> Response:
    """Asks for each row alone where the whole call raised ``ValueError``.

    A row that raises counts as NaN, so what comes back is judged like poison.
    """
    if not isinstance(response, Errored) or response.kind != "ValueError":
        return response
    rows = []
    for i in range(len(unit.case.inputs[unit.record.positional[0]])):
        inputs = {k: v[i : i + 1] for k, v in unit.case.inputs.items()}
        row = ask(adapter, replace(request, inputs=inputs))
        if isinstance(row, Errored) and row.kind == "ValueError":
            shape = (1, *unit.case.shape[1:])
            shapes = {f"grad_{k}": v.shape for k, v in inputs.items()}
            nan = {k: np.full(shapes.get(k, shape), np.nan) for k in request.want}
            row = Outputs(nan, {})
        if not isinstance(row, Outputs):
            return row
        rows.append(row.arrays)
    names = set(request.want).intersection(*rows)
    return Outputs({k: np.concatenate([row[k] for row in rows]) for k in names}, {})


def _judge_bad(impl: str, unit: Unit, outputs: Outputs) -> Result:
    """Every point must be NaN in its value and in all of its gradient."""
    result = blank(impl, unit, "bad_value", "pass")
    wanted = [outputs.arrays.get(name) for name in refused(unit.record)]
    found = [array for array in wanted if array is not None]
    if not found:
        return replace(result, status="not_implemented", reason="no such output")
    plausible = np.full(unit.case.shape, np.nan)
    for array in found:
        classes = (class_axis(unit.case),) if array.ndim > plausible.ndim else ()
        largest = np.fmax.reduce(array, axis=classes) if classes else array
        plausible = np.fmax(plausible, largest)
    plausible = plausible.ravel()
    units = np.where(np.isnan(plausible), 0.0, np.inf)
    nan = np.full(units.shape, np.nan)
    judged = tally(result, units, nan, plausible, unit.ids, limit=0.0)
    if not judged.failures:
        return judged
    # It asks the profiles' own questions of the reference, so they come first.
    from conformance.diagnosis import of_bad_labels

    told = of_bad_labels(unit, outputs.arrays.get("value"))
    return replace(judged, diagnosis=told)
