"""The same call again and again gives the same bits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from conformance.adapters import Outputs
from conformance.profiles.answers import alone, failed, one_dtype, passed
from conformance.profiles.check import Ask, Check
from conformance.profiles.judge import Result
from conformance.profiles.silence import unanswered
from conformance.profiles.unit import WIDTH, Scope, Unit, gradients, values

RUNS = 10


def units(scope: Scope) -> Iterator[Check]:
    """One group of points and one mean, with all outputs; a quick run asks the mean.

    Under ``jit`` where that is claimed, as it is how such code is run; a quick run
    asks what is compiled anyway, by the profile of reductions.
    """
    valid = [group for group in scope.groups if group.policy == "value"]
    means = [case for case in scope.sums if case.tile == WIDTH]
    autodiff = scope.capabilities.autodiff
    jit = "jit" in scope.capabilities.transforms
    transform = "jit" if jit else "eager"
    for dtype in one_dtype(scope.capabilities.dtypes):
        form: dict[str, Any] = {"dtype": dtype, "transform": transform}
        record = ("determinism", scope.operation)
        # The case with the most outputs says most.
        if means:
            case = max(means, key=lambda case: len(gradients(case)))
            compiled = scope.plain != "eager"
            want = ("value", *(case.slopes if compiled else gradients(case)))
            reduction = "mean" if autodiff else "sum"
            unit = Unit(*record, case, want=want, reduction=reduction, **form)
            yield _check(unit, "mean")
        if valid and not (means and scope.quick):
            group = max(valid, key=lambda group: (len(group.inputs), len(group.ids)))
            want = (*values(group), *gradients(group))
            yield _check(Unit(*record, group, want=want, **form), "points")


def _check(unit: Unit, name: str) -> Check:
    path = f"{unit.operation}/determinism/{name}"
    form = (unit.dtype, _Repeated(unit).ask, unit.transform, unit.reduction)
    return Check("determinism", unit.operation, path, *form)


@dataclass(frozen=True)
class _Repeated:
    """Asks for a unit several times."""

    unit: Unit

    def ask(
        self, result: Result, ask: Ask, device: str, _limit: float
    ) -> Iterator[Result]:
        request = alone(self.unit).request(device)
        first = ask(request)
        if not isinstance(first, Outputs):
            yield unanswered(result, first)
            return
        reasons: dict[str, str] = {}
        for run in range(2, RUNS + 1):
            again = ask(request)
            if not isinstance(again, Outputs):
                yield unanswered(result, again)
                return
            for name, array in first.arrays.items():
                other = again.arrays.get(name)
                if other is None or other.tobytes() != array.tobytes():
                    reasons.setdefault(name, f"run {run} of {RUNS} gave other bits")
        for name, array in first.arrays.items():
            one = replace(result, output=name)
            if name in reasons:
                yield failed(one, reasons[name], compared=array.size)
            else:
                yield passed(one, compared=array.size)
