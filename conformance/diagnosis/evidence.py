"""What is known of a failed output, and when an explanation fits all of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from conformance.budgets import (
    C_MAX,
    EXPLAINED_UNITS,
    IDENTITY_AMPLIFICATION,
    TINY,
    UNIT_ROUNDOFF,
    error_units,
)
from conformance.profiles.unit import WIDTH, Unit, divisible
from conformance.vectors import Array, Group, SumCase, along, class_axis

if TYPE_CHECKING:
    from conformance.profiles.judge import Truth, Upstream

Mask = NDArray[np.bool_]
# In half precision almost any factor is within the rounding of another.
TELLING = ("float64", "float32")


@dataclass(frozen=True, eq=False)
class Evidence:
    """A failed output with what was asked.

    Attributes:
        unit: What was asked.
        output: Name of the output, as in the vectors.
        dtype: Dtype in which it came back.
        actual: What came back.
        expected: What is specified, shaped like it.
        scale: Amplification times size, likewise.
        bad: Which numbers are out of budget.
        factor: What true gradients are multiplied by.
        divisor: What they are divided by.
    """

    unit: Unit
    output: str
    dtype: str
    actual: Array
    expected: Array
    scale: Array
    bad: Mask
    factor: Array
    divisor: float

    @classmethod
    def of(
        cls,
        unit: Unit,
        output: str,
        truth: "Truth",
        actual: Array,
        dtype: str,
        upstream: "Upstream",
        limit: float,
    ) -> "Evidence | None":
        """Collects what is known; nothing where it cannot be compared as numbers."""
        alike = np.shape(actual) == np.shape(truth.hi)
        if dtype not in UNIT_ROUNDOFF or not truth.hi.size or not alike:
            return None
        units = error_units(actual, truth.hi, truth.lo, truth.scale, dtype)
        return cls(
            unit=unit,
            output=output,
            dtype=dtype,
            actual=np.asarray(actual, float),
            expected=np.asarray(truth.hi, float),
            scale=np.broadcast_to(truth.scale, np.shape(truth.hi)),
            bad=~(units <= limit),
            factor=np.asarray(upstream.factor),
            divisor=upstream.divisor,
        )

    @cached_property
    def whole(self) -> bool:
        """Whether it is one number for the whole call."""
        return self.output in ("sum", "mean", "normalizer")

    @property
    def slope(self) -> bool:
        """Whether it is a gradient."""
        return self.output.startswith("grad_")

    @property
    def of_logits(self) -> bool:
        """Whether it is the gradient of the first argument."""
        return self.output == f"grad_{self.unit.record.positional[0]}"

    @cached_property
    def width(self) -> int:
        """Elements of the call, of which these may be a part."""
        case = self.unit.case
        if isinstance(case, Group) and divisible(self.unit.record, case):
            return WIDTH
        return int(np.prod(case.shape))

    @cached_property
    def misses(self) -> Array:
        """Errors in units of the budget."""
        return error_units(self.actual, self.expected, 0.0, self.scale, self.dtype)

    @cached_property
    def telling(self) -> bool:
        """Whether there is enough to tell an explanation from a coincidence.

        Several different numbers must be wrong by far more than rounding, or the one
        number of a whole call.
        """
        if self.dtype not in TELLING or not self.bad.any():
            return False
        finite = bool(np.isfinite(self.actual[self.bad]).all())
        wrong = self.bad & (self.misses >= EXPLAINED_UNITS)
        different = np.unique(self.expected[wrong]).size
        return finite and different >= (1 if self.whole else 2)

    def fits(self, explained: Array) -> bool:
        """Whether every number, right or wrong, is what an explanation says.

        Args:
            explained: Numbers that would have come back, shaped like those that did.
        """
        own = np.where(self.expected == 0, 0.0, self.scale / np.abs(self.expected))
        # What is explained may amplify more than what is specified.
        amplification = np.maximum(own, IDENTITY_AMPLIFICATION)
        scale = np.abs(explained) * np.where(np.isfinite(own), amplification, 1.0)
        units = error_units(self.actual, explained, 0.0, scale, self.dtype)
        lost = np.abs(explained) <= TINY[self.dtype]
        lost &= np.abs(self.actual) <= TINY[self.dtype]
        return bool((lost | (units <= C_MAX)).all())

    def explained_by(self, explained: Array) -> bool:
        """Whether it fits, and says more than that wrong numbers are alike.

        Args:
            explained: Numbers that would have come back, shaped like those that did.
        """
        wrong = np.unique(explained[self.bad])
        enough = self.whole or wrong[wrong != 0].size > 1
        return bool(enough and self.fits(explained))

    def spread(self, per_element: Array) -> Array:
        """What belongs to each element, as it broadcasts against the output."""
        per_element = np.asarray(per_element)
        if not per_element.ndim:
            return per_element
        return along(per_element, self.expected, class_axis(self.unit.case))

    def input(self, name: str) -> Array:
        """An input of the case, for each element of the output."""
        return np.broadcast_to(
            self.spread(self.unit.case.inputs[name]), self.expected.shape
        )


def sizes(unit: Unit) -> Mapping[str, float]:
    """Counts and sums that a mean may divide by, by name.

    Args:
        unit: What was asked.

    Returns:
        The numbers, each under one name.
    """
    case, record = unit.case, unit.record
    if not isinstance(case, SumCase):
        return {}
    inputs, found = case.inputs, {"N": float(case.tile)}
    labels = inputs[record.positional[-1]]
    if "sample_weight" in inputs:
        found["Σw of the examples"] = float(inputs["sample_weight"].sum())
    if "sample_mask" in inputs:
        found["the unmasked"] = float(inputs["sample_mask"].sum())
    if record.form == "rowwise":
        found |= _of_classes(case, labels, inputs[record.positional[0]])
    elif record.positional[-1] in ("labels", "heatmap"):
        positives = float((labels == 1).sum())
        found["the number of positives"] = positives
        found["the number of negatives"] = float((labels == 0).sum())
        found["the sum of the labels"] = float(labels.sum())
    return found


def _of_classes(case: SumCase, labels: Array, logits: Array) -> dict[str, float]:
    axis = class_axis(case)
    classes = logits.shape[axis]
    found = {"N·C": float(case.tile * classes)}
    weights = case.arrays.get("class_weights")
    if labels.ndim < logits.ndim:
        kept = labels != case.params.get("ignore_index", -100)
        found["the number of kept examples"] = float(kept.sum())
        shares = np.bincount(labels[kept].astype(int), minlength=classes)
    else:
        shares = np.moveaxis(labels, axis, -1).reshape(-1, classes).sum(0)
    if weights is not None:
        found["Σw of the labels"] = float((shares * weights).sum())
        found["Σw of the classes"] = float(weights.sum())
    return found
