"""Compares what came back with the vectors."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance import clauses
from conformance.adapters import Outputs
from conformance.adapters.protocol import Array
from conformance.budgets import UNIT_ROUNDOFF, error_units
from conformance.profiles import severity
from conformance.profiles.curve import curve
from conformance.profiles.unit import HALVES, Unit
from conformance.vectors import Group, SumCase, along, class_axis

MAX_FAILURES = 5
# Fields that most results lack, and their records with them.
RARE = ("lost", "clauses", "diagnosis", "curve")


@dataclass(frozen=True)
class Failure:
    """One number that is not what it should be."""

    id: str
    expected: float
    actual: float
    units: float


@dataclass(frozen=True)
class Result:
    """Verdict on one output of one unit; a line of the report.

    Attributes:
        impl: Implementation, as given to ``--impl``.
        profile: Profile that asked.
        operation: Name of the operation.
        group: Path of the group, or id of the sum.
        dtype: Dtype of the inputs.
        transform: How the function was run.
        reduction: Reduction asked for.
        output: Which output.
        status: ``pass``, ``fail``, ``skipped``, ``errored`` or ``not_implemented``.
        compared: Numbers compared.
        failed: Numbers out of budget.
        worst: Largest error in units of u * scale.
        worst_id: Where.
        reason: Why it is not a pass, in words.
        failures: The first few numbers out of budget.
        lost: The lowest level of conformance that a failed number loses; empty where
            nothing failed.
        clauses: Clauses of the specification that the failed numbers depart from.
        diagnosis: What one cause explains all of it, where one does.
        curve: Worst error at each value of the first argument, as pairs.
    """

    impl: str
    profile: str
    operation: str
    group: str
    dtype: str
    transform: str
    reduction: str
    output: str
    status: str
    compared: int = 0
    failed: int = 0
    worst: float | None = None
    worst_id: str = ""
    reason: str = ""
    failures: tuple[Failure, ...] = ()
    lost: str = ""
    clauses: tuple[str, ...] = ()
    diagnosis: str = ""
    curve: tuple[tuple[float, float], ...] = ()

    @property
    def unit_key(self) -> tuple[str, ...]:
        """The key of the unit that this is a result of."""
        form = (self.dtype, self.transform, self.reduction)
        return (self.profile, self.operation, self.group, *form)

    def record(self) -> dict[str, Any]:
        """The result as JSON knows it."""
        failures = [_jsonable(vars(failure)) for failure in self.failures]
        own = {k: v for k, v in vars(self).items() if v or k not in RARE}
        curve = {"curve": [[*map(_number, pair)] for pair in self.curve]}
        return {
            **_jsonable(own),
            "failures": failures,
            **(curve if self.curve else {}),
        }

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Result":
        """Reads what :meth:`record` wrote."""
        failures = tuple(
            Failure(
                f["id"], float(f["expected"]), float(f["actual"]), float(f["units"])
            )
            for f in record["failures"]
        )
        worst = record["worst"]
        changes = {
            "failures": failures,
            "worst": None if worst is None else float(worst),
            "clauses": tuple(record.get("clauses", ())),
            "curve": tuple((float(x), float(c)) for x, c in record.get("curve", ())),
        }
        return cls(**{**record, **changes})


def _jsonable(fields: dict[str, Any]) -> dict[str, Any]:
    return {k: _number(v) for k, v in fields.items()}


def _number(value: Any) -> Any:
    """Writes infinities and NaN, which JSON lacks, as strings."""
    special = isinstance(value, float) and not math.isfinite(value)
    return str(value) if special else value


def blank(impl: str, unit: Unit, output: str, status: str, reason: str = "") -> Result:
    """A result that compares nothing."""
    return Result(
        impl=impl,
        profile=unit.profile,
        operation=unit.operation,
        group=unit.path,
        dtype=unit.dtype,
        transform=unit.transform,
        reduction=unit.reduction,
        output=output,
        status=status,
        reason=reason,
    )


@dataclass(frozen=True)
class Upstream:
    """What true gradients are multiplied by.

    Attributes:
        factor: Of every element.
        divisor: Apart from the factor, since 1/N is rarely exact.
        tangent: Direction of derivatives along one.
    """

    factor: Array
    divisor: float = 1
    tangent: Array = field(default_factory=lambda: np.ones(()))


@dataclass(frozen=True)
class Truth:
    """Expected numbers of one output, shaped like it."""

    hi: Array
    lo: Array
    scale: Array
    ids: Sequence[str]


def judge(
    impl: str, unit: Unit, outputs: Outputs, upstream: Upstream, limit: float
) -> Iterator[Result]:
    """Judges every wanted output of a unit.

    Args:
        impl: Implementation that answered.
        unit: What was asked.
        outputs: What came back for this unit.
        upstream: What the true gradients are multiplied by.
        limit: Largest error that passes, in units of u * scale.

    Yields:
        One result per output.
    """
    for output in unit.want:
        actual = outputs.arrays.get(output)
        if actual is None:
            yield blank(impl, unit, output, "not_implemented", f"no {output}")
            continue
        truth = _truth(unit, output, upstream)
        result = blank(impl, unit, truth_name(unit, output), "pass")
        dtype = outputs.dtypes[output]
        found = _compare(result, unit, truth, actual, dtype, limit)
        if found.failures:
            # It asks the profiles' own questions of the reference, so they come first.
            from conformance.diagnosis import diagnose

            asked = (unit, found.output, truth, actual, dtype, upstream, limit)
            found = replace(found, diagnosis=diagnose(*asked))
        yield found


def truth_name(unit: Unit, output: str) -> str:
    """The name in the vectors of an output of a function."""
    if output != "value" or not isinstance(unit.case, SumCase):
        return output
    return "mean" if unit.reduction == "mean" else "sum"


def _truth(unit: Unit, output: str, upstream: Upstream) -> Truth:
    case, name = unit.case, truth_name(unit, output)
    axis = class_axis(case)
    if output == "jvp":
        return _along(unit, upstream.tangent)
    if isinstance(case, Group) and name in case.totals:
        # A whole call has no id of its own; its first point leads to it.
        whole = case.totals[name]
        return Truth(whole.hi, whole.lo, whole.scale, [unit.ids[0]] * whole.hi.size)
    if isinstance(case, SumCase):
        each = name in case.slopes
        expected = case.elements(name) if each else case.expected[name]
        ids: Sequence[str] = [case.id] * expected.hi.size
    else:
        expected = case.expected[name]
        points = along(np.arange(len(unit.ids)).reshape(case.shape), expected.hi, axis)
        spread = np.broadcast_to(points, expected.hi.shape)
        ids = [unit.ids[int(i)] for i in spread.flat]
    if not output.startswith("grad_"):
        return Truth(expected.hi, expected.lo, expected.scale, ids)
    # Of the whole call there is one factor, since only sums and means are asked for.
    factor, divisor = upstream.factor, upstream.divisor
    factor = along(factor, expected.hi, axis) if factor.ndim else factor
    return Truth(
        hi=expected.hi * factor / divisor,
        lo=expected.lo * factor / divisor,
        scale=expected.scale * np.abs(factor) / divisor,
        ids=ids,
    )


def _along(unit: Unit, tangent: Array) -> Truth:
    """The derivative of every element in a direction, from its gradients."""
    case = unit.case
    slope = case.expected[f"grad_{unit.record.positional[0]}"]
    axes = (class_axis(case),) if slope.hi.ndim > len(case.shape) else ()
    return Truth(
        hi=(slope.hi * tangent).sum(axes),
        lo=(slope.lo * tangent).sum(axes),
        scale=(slope.scale * np.abs(tangent)).sum(axes),
        ids=unit.ids,
    )


def rejects_dtype(unit: Unit, output: str, dtype: str) -> str:
    """Says what is wrong with the dtype in which an output came back, if anything.

    Values of half precision come back in float32, gradients as their argument.
    """
    if output in ("indices", "state_updates"):
        wanted, right = "an integer", "int" in dtype
    elif output == "mask":
        wanted, right = "bool", dtype == "bool"
    else:
        half = unit.dtype in HALVES and not output.startswith("grad_")
        wanted = "float32" if half else unit.dtype
        right = dtype == wanted
    return "" if right else f"came back as {dtype}, expected {wanted}"


def _compare(
    result: Result, unit: Unit, truth: Truth, actual: Array, dtype: str, limit: float
) -> Result:
    size = truth.hi.size
    if actual.shape != np.shape(truth.hi):
        reason = f"shape {actual.shape}, expected {np.shape(truth.hi)}"
        return rejected(result, size, reason)
    wrong = rejects_dtype(unit, result.output, dtype)
    if wrong:
        return rejected(result, size, wrong)
    # What is no real number has no unit of its own; its scale is 0.
    unit_of = dtype if dtype in UNIT_ROUNDOFF else "float64"
    units = error_units(actual, truth.hi, truth.lo, truth.scale, unit_of).ravel()
    found = tally(result, units, truth.hi.ravel(), actual.ravel(), truth.ids, limit)
    found = replace(found, curve=curve(unit, result.output, units))
    if found.status != "fail":
        return found
    numbers = severity.Numbers(actual, truth.hi, truth.scale, ~(units <= limit))
    lost = severity.lost_by(numbers, severity.places(unit, truth.hi), result)
    ids = (truth.ids[int(i)] for i in np.flatnonzero(numbers.bad))
    return clauses.cite(replace(found, lost=lost), clauses.evidence(unit, ids))


def rejected(result: Result, size: int, reason: str) -> Result:
    """A result that is wrong as a whole."""
    return replace(
        result,
        status="fail",
        compared=size,
        failed=size,
        reason=reason,
        lost=severity.lost_by_form(result.group, reason),
    )


def tally(
    result: Result,
    units: NDArray[np.float64],
    expected: Array,
    actual: Array,
    ids: Sequence[str],
    limit: float,
) -> Result:
    """Fills in a result from the error of every number.

    Args:
        result: The result to fill in.
        units: Errors in units of u * scale.
        expected: True numbers.
        actual: Numbers that came back.
        ids: Ids of the points.
        limit: Largest error that passes.

    Returns:
        The result, failed when any error is not within the limit.
    """
    if not units.size:
        return result
    # Written so that a NaN, which is not within any limit, fails.
    bad = np.flatnonzero(~(units <= limit))
    worst = int(np.argmax(np.nan_to_num(units, nan=np.inf, posinf=np.inf)))
    failures = tuple(
        Failure(ids[int(i)], float(expected[i]), float(actual[i]), float(units[i]))
        for i in bad[:MAX_FAILURES]
    )
    return replace(
        result,
        status="fail" if bad.size else "pass",
        compared=units.size,
        failed=int(bad.size),
        worst=float(units[worst]),
        worst_id=ids[worst],
        failures=failures,
        lost=severity.ACCURATE if bad.size else "",
    )
