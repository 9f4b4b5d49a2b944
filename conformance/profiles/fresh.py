"""Points that stand in no vector, with their truth computed on the spot.

Whoever answers the vectors from memory has no answer here: a call of the same form as
a plain group of the vectors, but of numbers that nobody has stored. Every operation
that is claimed must answer its plainest call.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from conformance.adapters import NotImplementedOperation, Outputs, Skipped
from conformance.profiles.answers import failed
from conformance.profiles.batch import Batch, batches
from conformance.profiles.check import Ask, Check
from conformance.profiles.fresh_points import drawn, plainest
from conformance.profiles.judge import Result, Upstream, judge
from conformance.profiles.silence import unanswered
from conformance.profiles.unit import Scope, Unit, gradients, values

DTYPES = ("float64", "float32")


def units(scope: Scope) -> Iterator[Check]:
    """Value and gradient of fresh points, in the form of the plainest group.

    It is the form of the profile of values, so that little is compiled for it alone.
    """
    # Whatever is selected: the plainest call is the same for all implementations.
    plain = plainest(scope.operation)
    dtypes = scope.dtypes(plain, DTYPES)
    if scope.plain != "eager" and plain.path not in scope.narrow:
        dtypes = dtypes[-1:]  # a compilation of its own
    for dtype in dtypes:
        run = scope.run(plain, dtype)
        asked = _Fresh(plain.path, dtype, run, autodiff=scope.capabilities.autodiff)
        path = f"{scope.operation}/fresh/{plain.path.split('/')[-1]}"
        transform = run.get("transform", "eager")
        yield Check("fresh", scope.operation, path, dtype, asked.ask, transform)


@dataclass(frozen=True)
class _Fresh:
    """Asks for fresh points."""

    plain: str
    dtype: str
    run: Mapping[str, Any]
    autodiff: bool

    def ask(
        self, result: Result, ask: Ask, device: str, limit: float
    ) -> Iterator[Result]:
        group = drawn(self.plain)
        slopes = gradients(group)
        unit = Unit(
            "fresh",
            result.operation,
            group,
            self.dtype,
            (*values(group), *slopes),
            weighted=self.autodiff and bool(slopes),
            **self.run,
        )
        for batch in batches([unit]):
            if isinstance(batch, Batch):
                yield from _judged(batch, unit, result, ask, device, limit)


def _judged(
    batch: Batch, unit: Unit, result: Result, ask: Ask, device: str, limit: float
) -> Iterator[Result]:
    response = ask(batch.request(device))
    if isinstance(response, Skipped | NotImplementedOperation):
        reason = f"claimed, but its plainest call is declined: {response.reason}"
        yield failed(result, reason, compared=len(unit.ids))
        return
    if not isinstance(response, Outputs):
        yield unanswered(result, response)
        return
    points = batch.slices[0]
    factor = batch.upstream[points] if unit.weighted else np.ones(())
    upstream = Upstream(factor, tangent=batch.tangent[points])
    # Gradients are asked for wherever they may be; a function may well have none.
    owed = [name for name in unit.want if not name.startswith("grad_")]
    for found in judge(result.impl, unit, batch.part(response, 0), upstream, limit):
        if found.status == "not_implemented" and found.output in owed:
            yield failed(replace(result, output=found.output), found.reason)
        else:
            yield _in_words(found)


def _in_words(result: Result) -> Result:
    """Says what failed: no command reproduces a point that is in no vector."""
    if not result.failures:
        return result
    first = result.failures[0]
    reason = (
        f"at {first.id}: expected {first.expected!r}, got {first.actual!r}, "
        f"{first.units:.3g} units of u·K"
    )
    return replace(result, reason=reason, failures=())
