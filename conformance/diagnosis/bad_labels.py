"""What became of a label out of range that gave a plausible number."""

from typing import TYPE_CHECKING

import numpy as np

from conformance.adapters import Outputs, Request, resolve
from conformance.budgets import C_MAX, IDENTITY_AMPLIFICATION, UNIT_ROUNDOFF
from conformance.vectors import Array, class_axis

if TYPE_CHECKING:
    from conformance.profiles.unit import Unit


def of_bad_labels(unit: "Unit", value: Array | None) -> str:
    """Says which label a plausible number belongs to.

    Args:
        unit: What was asked; its points have labels out of range.
        value: The unreduced loss that came back.

    Returns:
        A sentence that every plausible number agrees with, or nothing.
    """
    case = unit.case
    labels = case.inputs.get("labels")
    if value is None or labels is None or value.shape != case.shape:
        return ""
    if labels.shape != value.shape or not np.isfinite(value).any():
        return ""
    found = np.isfinite(value)
    inside = (labels >= 0) & (labels <= _last(unit))
    if inside[found].any():
        return ""
    if not value[found].any():
        return "a label out of range costs nothing: its loss is 0"
    for words, instead in _instead(unit, labels):
        if (instead[found] == labels[found]).any():
            continue
        truth = _reference(unit, instead)
        if truth is None:
            continue
        scale = IDENTITY_AMPLIFICATION * np.maximum(np.abs(truth), 1)
        near = C_MAX * UNIT_ROUNDOFF[unit.dtype] * scale
        if (np.abs(value - truth)[found] <= near[found]).all():
            return words
    return ""


def _last(unit: "Unit") -> float:
    """The largest label in range."""
    if unit.case.kinds.get("labels") != "index":
        return 1.0
    return unit.case.inputs["logits"].shape[class_axis(unit.case)] - 1.0


def _instead(unit: "Unit", labels: Array) -> list[tuple[str, Array]]:
    """Labels in range that others may be taken for."""
    last = _last(unit)
    known = np.nan_to_num(labels, nan=last / 2, posinf=last, neginf=0)
    near = np.clip(known, 0, last)
    if unit.case.kinds.get("labels") != "index":
        return [("labels out of range were moved to the nearest in [0, 1]", near)]
    below = (known < 0) & (known >= -last - 1)
    wrapped = known % (last + 1)
    words = f"labels below 0 were counted from the end: -1 as class {last:g}, the last"
    return [
        (words, np.where(below, wrapped, known)),
        ("labels out of range were moved to the nearest class", near),
        ("labels out of range were taken modulo the number of classes", wrapped),
    ]


def _reference(unit: "Unit", labels: Array) -> Array | None:
    case = unit.case
    request = Request(
        operation=unit.operation,
        inputs={**case.inputs, "labels": np.clip(labels, 0, _last(unit))},
        positional=unit.record.positional,
        kinds=case.kinds,
        params=case.params,
        arrays=case.arrays,
        returns=unit.record.returns,
    )
    answer = resolve("numpy").eval(request)
    return answer.arrays.get("value") if isinstance(answer, Outputs) else None
