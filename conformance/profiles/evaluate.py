"""Evaluates batches and turns the answers into results."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from conformance.adapters import (
    Adapter,
    Errored,
    NotImplementedOperation,
    Outputs,
    Request,
    Response,
    Skipped,
)
from conformance.profiles.batch import Batch
from conformance.profiles.judge import Result, Upstream, blank, judge, tally
from conformance.profiles.unit import Unit

STATUS = {
    Skipped: "skipped",
    Errored: "errored",
    NotImplementedOperation: "not_implemented",
}


def evaluate(
    batch: Batch, adapter: Adapter, impl: str, device: str, limit: float
) -> Iterator[Result]:
    """Asks an implementation for a batch and judges the answer.

    Args:
        batch: Units to evaluate in one call.
        adapter: The implementation, started.
        impl: Its name in results.
        device: Device to run on.
        limit: Largest error that passes, in units of u * scale.

    Yields:
        The results of every unit.
    """
    request = batch.request(device)
    response = ask(adapter, request)
    if batch.units[0].repeat and isinstance(response, Outputs):
        response = ask(adapter, request)
    for i, unit in enumerate(batch.units):
        own = batch.part(response, i) if isinstance(response, Outputs) else response
        if unit.bad:
            own = _point_by_point(unit, own, request, adapter)
            unit = replace(unit, want=("bad_value",))
        if not isinstance(own, Outputs):
            yield from _unanswered(impl, unit, own)
        elif unit.want == ("bad_value",):
            yield _judge_bad(impl, unit, own)
        else:
            yield from judge(impl, unit, own, _upstream(batch, unit, i), limit)
        if unit.repeat and isinstance(own, Outputs) and own.traces is not None:
            yield _judge_traces(impl, unit, own.traces)


def ask(adapter: Adapter, request: Request) -> Response:
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
    for output in unit.want:
        yield blank(impl, unit, output, status, reason)


def _upstream(batch: Batch, unit: Unit, i: int) -> Upstream:
    """The cotangent that was passed in, and the N of a mean over the whole call."""
    factor = batch.upstream[batch.slices[i]] if unit.weighted else np.ones(())
    return Upstream(factor, max(batch.size, 1) if unit.reduction == "mean" else 1)


def _judge_traces(impl: str, unit: Unit, traces: int) -> Result:
    result = blank(impl, unit, "traces", "pass" if traces == 1 else "fail")
    reason = "" if traces == 1 else f"traced {traces} times for two equal calls"
    failed = int(traces != 1)
    return replace(result, compared=1, failed=failed, reason=reason)


def _point_by_point(
    unit: Unit, response: Response, request: Request, adapter: Adapter
) -> Response:
    """Asks for each row alone where the whole call raised ``ValueError``.

    A row that raises counts as NaN, so what comes back is judged like poison.
    """
    if not isinstance(response, Errored) or response.kind != "ValueError":
        return response
    rows = []
    for i in range(len(unit.case.inputs["logits"])):
        inputs = {k: v[i : i + 1] for k, v in unit.case.inputs.items()}
        row = ask(adapter, replace(request, inputs=inputs))
        if isinstance(row, Errored) and row.kind == "ValueError":
            nan = np.full(inputs["logits"].shape, np.nan)
            row = Outputs(dict.fromkeys(request.want, nan), {})
        if not isinstance(row, Outputs):
            return row
        rows.append(row.arrays)
    names = set(request.want).intersection(*rows)
    return Outputs({k: np.concatenate([row[k] for row in rows]) for k in names}, {})


def _judge_bad(impl: str, unit: Unit, outputs: Outputs) -> Result:
    """Every point must be NaN in its value and in the gradient of its logit."""
    result = blank(impl, unit, "bad_value", "pass")
    judged = ("value", "grad_logits")
    found = [v.ravel() for k, v in outputs.arrays.items() if k in judged]
    if not found:
        return replace(result, status="not_implemented", reason="no such output")
    plausible = np.nanmax(np.stack([np.full(found[0].shape, -np.inf), *found]), axis=0)
    units = np.where(np.isnan(found).all(axis=0), 0.0, np.inf)
    nan = np.full(units.shape, np.nan)
    return tally(result, units, nan, plausible, unit.ids, limit=0.0)
