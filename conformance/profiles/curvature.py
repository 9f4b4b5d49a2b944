"""Hessian-vector products, of which the vectors know only what they are made of."""

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from conformance.adapters import Adapter, Outputs, Request, resolve
from conformance.adapters.protocol import Array
from conformance.budgets import DIFFERENCE_STEP, difference_scale, error_units
from conformance.profiles.judge import Result, blank, rejected, rejects_dtype, tally
from conformance.profiles.unit import Unit
from conformance.vectors import Group, along, class_axis


def judge_curvature(
    impl: str, unit: Unit, outputs: Outputs, tangent: Array, limit: float
) -> Result:
    """Judges the derivative of the gradient along a tangent.

    It must be finite wherever inputs and gradient are; in float64 it must also be the
    central difference of the reference's analytic gradient, which is judged by the
    vectors itself.

    Args:
        impl: Implementation that answered.
        unit: What was asked.
        outputs: What came back for this unit.
        tangent: Direction in the space of the first argument.
        limit: Largest error that passes, in units of u * scale.

    Returns:
        The result.
    """
    result = blank(impl, unit, "hvp", "pass")
    actual, case = outputs.arrays.get("hvp"), unit.case
    if actual is None:
        return replace(result, status="not_implemented", reason="no hvp")
    wrong = rejects_dtype(unit, "grad_", outputs.dtypes["hvp"])
    if actual.shape != tangent.shape:
        wrong = f"shape {actual.shape}, expected {tangent.shape}"
    if wrong:
        return rejected(result, tangent.size, wrong)
    finite = _finite(unit)
    expected, units = np.zeros(actual.shape), np.where(np.isfinite(actual), 0.0, np.inf)
    difference = _difference(unit, tangent) if unit.dtype == "float64" else None
    if difference is not None:
        slope = case.expected[f"grad_{unit.record.positional[0]}"]
        scale = difference_scale(slope.scale, np.abs(slope.hi) + np.abs(difference))
        units = error_units(actual, difference, 0.0, scale, unit.dtype)
        expected = difference
    points = along(
        np.arange(len(unit.ids)).reshape(case.shape), actual, class_axis(case)
    )
    spread = np.broadcast_to(points, actual.shape)[finite]
    ids = [unit.ids[int(i)] for i in spread]
    return tally(result, units[finite], expected[finite], actual[finite], ids, limit)


def _finite(unit: Unit) -> NDArray[np.bool_]:
    """Where all inputs of an element and its gradient are finite."""
    case = unit.case
    slope = case.expected[f"grad_{unit.record.positional[0]}"].hi
    axis, classes = class_axis(case), slope.ndim > len(case.shape)
    every = np.ones(case.shape, bool)
    for array in (slope, *case.inputs.values()):
        finite = np.isfinite(array)
        every &= finite.all(axis=axis) if array.ndim > every.ndim else finite
    return np.broadcast_to(along(every, slope, axis), slope.shape) if classes else every


def _difference(unit: Unit, tangent: Array) -> Array | None:
    """The central difference, or None where it would not tell.

    Bin edges and clamps make differences of something else; a step is exact on inputs
    of few digits.
    """
    case, record = unit.case, unit.record
    first = record.positional[0]
    smooth = record.form != "coupled" and first == "logits"
    if not smooth or case.exact_in != "bfloat16" or not isinstance(case, Group):
        return None
    slopes = []
    for step in (DIFFERENCE_STEP, -DIFFERENCE_STEP):
        moved = {**case.inputs, first: case.inputs[first] + step * tangent}
        answer = _reference().eval(
            Request(
                operation=unit.operation,
                inputs=moved,
                positional=record.positional,
                kinds=case.kinds,
                params=case.params,
                arrays=case.arrays,
                want=(f"grad_{first}",),
            )
        )
        if not isinstance(answer, Outputs):
            return None
        slopes.append(answer.arrays[f"grad_{first}"])
    with np.errstate(invalid="ignore"):
        return (slopes[0] - slopes[1]) / (2 * DIFFERENCE_STEP)


@cache
def _reference() -> Adapter:
    return resolve("numpy")
