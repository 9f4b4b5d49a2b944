"""Compares what came back with the vectors."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.adapters import Outputs
from conformance.adapters.protocol import Array
from conformance.budgets import error_units
from conformance.profiles.unit import HALVES, Unit
from conformance.vectors import SumCase

MAX_FAILURES = 5


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

    @property
    def unit_key(self) -> tuple[str, ...]:
        """The key of the unit that this is a result of."""
        form = (self.dtype, self.transform, self.reduction)
        return (self.profile, self.operation, self.group, *form)

    def record(self) -> dict[str, Any]:
        """The result as JSON knows it."""
        return _jsonable(asdict(self))

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
        number = None if worst is None else float(worst)
        return cls(**{**record, "failures": failures, "worst": number})


def _jsonable(value: Any) -> Any:
    """Writes infinities and NaN, which JSON lacks, as strings."""
    if isinstance(value, dict):
        return {k: _jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(v) for v in value]
    return (
        str(value) if isinstance(value, float) and not math.isfinite(value) else value
    )


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
    """Factor and divisor of a gradient; apart, since 1/N is rarely exact."""

    factor: Array
    divisor: int


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
        yield _compare(result, unit, truth, actual, outputs.dtypes[output], limit)


def truth_name(unit: Unit, output: str) -> str:
    """The name in the vectors of an output of a function."""
    if output != "value" or not isinstance(unit.case, SumCase):
        return output
    return "mean" if unit.reduction == "mean" else "sum"


def _truth(unit: Unit, output: str, upstream: Upstream) -> Truth:
    case, name = unit.case, truth_name(unit, output)
    if isinstance(case, SumCase) and name == "grad_logits":
        expected, ids = case.grad_logits, [case.id] * case.tile
    else:
        expected, ids = case.expected[name], unit.ids
    if not output.startswith("grad_"):
        return Truth(expected.hi, expected.lo, expected.scale, ids)
    factor, divisor = upstream.factor, upstream.divisor
    return Truth(
        hi=expected.hi * factor / divisor,
        lo=expected.lo * factor / divisor,
        scale=expected.scale * np.abs(factor) / divisor,
        ids=ids,
    )


def expected_dtype(unit: Unit, output: str) -> str:
    """Values of half precision come back in float32, gradients as the argument."""
    half = unit.dtype in HALVES and not output.startswith("grad_")
    return "float32" if half else unit.dtype


def _compare(
    result: Result, unit: Unit, truth: Truth, actual: Array, dtype: str, limit: float
) -> Result:
    size = truth.hi.size
    if actual.shape != np.shape(truth.hi):
        reason = f"shape {actual.shape}, expected {np.shape(truth.hi)}"
        return _rejected(result, size, reason)
    wanted = expected_dtype(unit, result.output)
    if dtype != wanted:
        return _rejected(result, size, f"came back as {dtype}, expected {wanted}")
    units = error_units(actual, truth.hi, truth.lo, truth.scale, dtype).ravel()
    return tally(result, units, truth.hi.ravel(), actual.ravel(), truth.ids, limit)


def _rejected(result: Result, size: int, reason: str) -> Result:
    changes = {"status": "fail", "compared": size, "failed": size, "reason": reason}
    return Result(**{**result.__dict__, **changes})


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
    return Result(
        **{
            **result.__dict__,
            "status": "fail" if bad.size else "pass",
            "compared": units.size,
            "failed": int(bad.size),
            "worst": float(units[worst]),
            "worst_id": ids[worst],
            "failures": failures,
        }
    )
