"""A batch in shards: the mean and its gradient are those of the whole."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from conformance.adapters import Outputs
from conformance.profiles.answers import alone, one_dtype
from conformance.profiles.check import Ask, Check
from conformance.profiles.judge import Result, Upstream, judge
from conformance.profiles.silence import unanswered
from conformance.profiles.unit import WIDTH, Scope, Unit, gradients
from conformance.vectors import SumCase, class_axis

# A last batch may well leave a single example to a shard. Even shards are what JAX
# can partition by itself.
SHARDS = {
    "one shard": (WIDTH,),
    "two shards": (WIDTH - 1, 1),
    "three shards": (170, 341, WIDTH - 511),
    "three even shards": (WIDTH // 3,) * 3,
}


def units(scope: Scope) -> Iterator[Check]:
    """One mean of each operation in one, two and three shards; not in a quick run.

    Each shard gives its part of the total and of the normalizer; what is judged is
    what comes of adding them, and the gradient of it, by the vectors of the whole.
    """
    cases = [case for case in scope.sums if _shardable(case)]
    if not cases or scope.quick:
        return
    # The case with the most outputs says most.
    case = max(cases, key=lambda case: (len(case.arrays), len(case.points)))
    state = [name for name in case.expected if name.startswith("state_")]
    want = ("value", *gradients(case), *state)
    for dtype in one_dtype(scope.capabilities.dtypes):
        for name, shards in SHARDS.items():
            unit = Unit("distributed", scope.operation, case, dtype, want)
            sharded = _Sharded(replace(unit, reduction="mean"), shards)
            path = f"{scope.operation}/distributed/{name.replace(' ', '-')}"
            yield Check(
                "distributed",
                scope.operation,
                path,
                dtype,
                sharded.ask,
                reduction="mean",
            )


def _shardable(case: SumCase) -> bool:
    """Whether it is long enough, with examples along the first axis."""
    return case.tile == WIDTH and class_axis(case) != 0


@dataclass(frozen=True)
class _Sharded:
    """Asks for the mean over shards."""

    unit: Unit
    shards: tuple[int, ...]

    def ask(
        self, result: Result, ask: Ask, device: str, limit: float
    ) -> Iterator[Result]:
        if device != "cpu":
            reason = "shards are made on the processor"
            yield replace(result, status="skipped", reason=reason)
            return
        request = replace(alone(self.unit).request(device), shards=self.shards)
        response = ask(request)
        if not isinstance(response, Outputs):
            yield unanswered(result, response)
            return
        normalizer = float(self.unit.case.expected["normalizer"].hi)
        upstream = Upstream(np.ones(()), normalizer or 1)
        for found in judge(result.impl, self.unit, response, upstream, limit):
            yield _in_words(found)


def _in_words(result: Result) -> Result:
    """Says what failed: the command that reproduces a case knows no shards."""
    if not result.failures:
        return result
    first = result.failures[0]
    reason = f"expected {first.expected!r}, got {first.actual!r}, {first.units:.3g} u·K"
    return replace(result, reason=reason, failures=())
