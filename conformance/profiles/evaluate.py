"""Evaluates batches and turns the answers into results."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from conformance import clauses
from conformance.adapters import (
    Errored,
    Evaluator,
    Outputs,
    Request,
    Response,
)
from conformance.profiles.batch import Batch, apart
from conformance.profiles.check import Check
from conformance.profiles.curvature import judge_curvature
from conformance.profiles.judge import (
    Result,
    Upstream,
    blank,
    judge,
    rejected,
    tally,
)
from conformance.profiles.severity import ACCURATE
from conformance.profiles.silence import unanswered
from conformance.profiles.unit import Unit, refused
from conformance.vectors import SumCase, class_axis


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
        check = batch.run(partial(ask, adapter), impl, device, limit)
        found = _judgeable(check, batch.blank(impl))
        yield from map(clauses.cite, found)
        return
    request = batch.request(device)
    response = ask(adapter, request)
    if _divided(batch, response):
        # One group that is refused must not speak against the others, nor one that is
        # declined hide them.
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
        judged = _judged(impl, batch, i, unit, own, limit)
        for result in _judgeable(judged, blank(impl, unit, unit.want[0], "pass")):
            if result.status in ("fail", "errored") and not result.clauses:
                ids = [failure.id for failure in result.failures] or unit.ids
                result = clauses.cite(result, clauses.evidence(unit, ids))
            yield result


def _judgeable(results: Iterator[Result], blank: Result) -> Iterator[Result]:
    """The results, and an error where an answer is like nothing that was foreseen."""
    try:
        yield from results
    except Exception as error:
        reason = f"{type(error).__name__}: the answer cannot be judged, {error}"
        yield unanswered(blank, Errored("adapter", reason))


def _judged(
    impl: str, batch: Batch, i: int, unit: Unit, own: Response, limit: float
) -> Iterator[Result]:
    """The results of one unit of a batch."""
    if unit.bad and isinstance(own, Errored) and not own.kind.startswith("adapter"):
        # Refused, but by an exception that says nothing of the value.
        reason = f"{own.kind}: {own.message}, expected ValueError or NaN"
        yield rejected(blank(impl, unit, "bad_value", "pass"), len(unit.ids), reason)
    elif not isinstance(own, Outputs):
        for output in unit.want:
            yield unanswered(blank(impl, unit, output, "pass"), own)
    elif unit.want == ("bad_value",):
        yield _judge_bad(impl, unit, own)
    elif unit.want == ("hvp",):
        tangent = batch.tangent[batch.slices[i]]
        yield judge_curvature(impl, unit, own, tangent, limit)
    else:
        yield from judge(impl, unit, own, _upstream(batch, unit, i), limit)
    if unit.repeat and isinstance(own, Outputs) and own.traces is not None:
        yield _judge_traces(impl, unit, own.traces)


def _divided(batch: Batch, response: Response) -> bool:
    """Whether the groups of a batch are asked one by one."""
    if isinstance(response, Outputs) or len(batch.units) < 2:
        return False
    # A compiler that is not there would be looked for once for each.
    plain = batch.units[0].transform in ("eager", "jit")
    return plain or isinstance(response, Errored)


def ask(adapter: Evaluator, request: Request) -> Response:
    """Asks, and reports an adapter that raises instead of answering."""
    try:
        response = adapter.eval(request)
    except Exception as error:
        return Errored(f"adapter: {type(error).__name__}", str(error))
    return _sound(response) if isinstance(response, Outputs) else response


def _sound(outputs: Outputs) -> Response:
    """The outputs, if they are numbers; what is not can be judged by nobody."""
    for name, array in outputs.arrays.items():
        kind = getattr(getattr(array, "dtype", None), "kind", "")
        if not isinstance(array, np.ndarray | np.generic) or kind not in "fiub":
            got = f"an array of {array.dtype}" if kind else type(array).__name__
            message = f"{name}: expected an array of numbers, got {got}"
            return Errored("adapter: TypeError", message)
        if name not in outputs.dtypes:
            return Errored("adapter: KeyError", f"{name}: expected its dtype, got none")
    return outputs


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
        shapes = {k: (1, *_shape(unit, k)[1:]) for k in request.want}
        if isinstance(row, Errored) and row.kind == "ValueError":
            nan = {k: np.full(shape, np.nan) for k, shape in shapes.items()}
            row = Outputs(nan, {})
        if not isinstance(row, Outputs):
            return row
        if any(row.arrays[k].shape != shapes[k] for k in shapes if k in row.arrays):
            return row  # of another shape than the whole, and judged so
        rows.append(row.arrays)
    names = set(request.want).intersection(*rows)
    return Outputs({k: np.concatenate([row[k] for row in rows]) for k in names}, {})


def _shape(unit: Unit, output: str) -> tuple[int, ...]:
    """The shape of an output for the points of a unit."""
    argument = unit.case.inputs.get(output.removeprefix("grad_"))
    return unit.case.shape if argument is None else argument.shape


def _judge_bad(impl: str, unit: Unit, outputs: Outputs) -> Result:
    """Every point must be NaN in its value and in all of its gradient."""
    result = blank(impl, unit, "bad_value", "pass")
    names = refused(unit.record)
    found = {name: outputs.arrays[name] for name in names if name in outputs.arrays}
    if not found:
        return replace(result, status="not_implemented", reason="no such output")
    plausible = np.full(unit.case.shape, np.nan)
    for name, array in found.items():
        shape = _shape(unit, name)
        if array.shape != shape:
            reason = f"shape {array.shape}, expected {shape}"
            return rejected(result, len(unit.ids), reason)
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
