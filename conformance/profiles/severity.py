"""How bad a wrong number is: which level of conformance it loses.

- L0, definition: at moderate logits, in a wide dtype, it means something else.
- L1, safe: for a finite logit it is not finite, or a gradient that matters is dead.
- L2, accurate: it is out of budget in any other way.

What a call without any element should give is a special value, a matter of L2. In half
precision few digits are left of a formula that cancels; that says nothing of its
meaning, nor of a gradient whether it is alive where it matters.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from conformance.budgets import ALIVE, MEANINGFUL, MODERATE
from conformance.profiles.unit import HALVES, Unit
from conformance.registry import OPERATIONS
from conformance.vectors import SumCase, along, class_axis

if TYPE_CHECKING:
    from conformance.profiles.judge import Result

DEFINITION, SAFE, ACCURATE, TRAINS = LEVELS = ("L0", "L1", "L2", "L3")

# Families of what is no ordinary number, or none: a matter of accuracy.
SPECIAL = ("bad_input", "nan_policy", "empty")

Mask = NDArray[np.bool_]


class Numbers(NamedTuple):
    """What came back, and what was expected; ``bad`` is out of budget, flat."""

    actual: NDArray[np.float64]
    expected: NDArray[np.float64]
    scale: NDArray[np.float64]
    bad: Mask


class Places(NamedTuple):
    """Where the inputs of each number are finite, and where moderate."""

    finite: Mask
    moderate: Mask


def places(unit: Unit, like: NDArray[np.float64]) -> Places:
    """Looks at the inputs of every number of an output.

    Args:
        unit: What was asked.
        like: The output; one number for a whole call, or some for each point.

    Returns:
        Masks shaped like the output.
    """
    case = unit.case
    name = unit.record.positional[0]
    first = case.inputs[name]
    if name == "probs":
        with np.errstate(invalid="ignore", divide="ignore"):
            first = np.log(first) - np.log1p(-first)
    finite: Mask = np.isfinite(first)
    moderate: Mask = np.abs(first) <= MODERATE
    shape = case.shape
    axis = class_axis(case)
    if first.ndim > len(shape):
        # An example is as moderate as its least moderate class.
        finite = np.asarray(finite.all(axis=axis))
        moderate = np.asarray(moderate.all(axis=axis))
    whole = like.shape[: len(shape)] != shape and like.ndim <= len(shape)
    if whole or (isinstance(case, SumCase) and like.ndim == 0):
        # Judged by the size of its terms, of which the moderate ones are the largest.
        sound = np.full(like.shape, bool(finite.size and finite.all()))
        return Places(sound, sound)
    spread = [
        np.broadcast_to(along(mask, like, axis), like.shape)
        for mask in (finite, moderate)
    ]
    return Places(*spread)


def lost_by(numbers: Numbers, where: Places, result: "Result") -> str:
    """Returns the lowest level that any of the failed numbers loses.

    Args:
        numbers: Of one output.
        where: Which of them have finite, and moderate, inputs.
        result: Whose output and dtype decide what a gradient is and what is meant.

    Returns:
        ``"L0"``, ``"L1"`` or ``"L2"``.
    """
    actual, expected, scale = (np.asarray(a, float).ravel() for a in numbers[:3])
    finite, moderate = (mask.ravel() for mask in where)
    bad = numbers.bad & finite & np.isfinite(expected)
    unsafe = ~np.isfinite(actual)
    if result.dtype in HALVES:
        return SAFE if (bad & unsafe).any() else ACCURATE
    with np.errstate(invalid="ignore"):
        other = ~(np.abs(actual - expected) <= MEANINGFUL * scale)
    # Less than the smallest that any dtype tells from 0 means nothing.
    other &= (np.abs(expected) > ALIVE) | ~(np.abs(actual) <= ALIVE)
    if (bad & moderate & other).any():
        return DEFINITION
    if result.output == f"grad_{OPERATIONS[result.operation].positional[0]}":
        # Infinity times 0, which is no number, is no sign either.
        with np.errstate(invalid="ignore"):
            same_sign = actual * np.sign(expected) > 0
        unsafe |= (np.abs(expected) > ALIVE) & ~same_sign
        unsafe |= (np.abs(expected) > ALIVE) & (np.abs(actual) < np.abs(expected) / 2)
    return SAFE if (bad & unsafe).any() else ACCURATE


def lost_by_form(group: str, reason: str) -> str:
    """Returns the level that is lost where an answer is wrong as a whole.

    Args:
        group: Path of what was asked.
        reason: What is wrong with it, in words.
    """
    another = reason.startswith("shape") and "/empty/" not in group
    return DEFINITION if another else ACCURATE


def lost_by_check(profile: str, excess: float) -> str:
    """Returns the level that a failed check loses.

    Args:
        profile: Profile that asked.
        excess: Error relative to the size of the answer; infinite where the answer is
            wrong as a whole.

    Returns:
        ``"L0"`` where the meaning is another one, ``"L3"`` where only training is.
    """
    if profile == "training":
        return TRAINS
    about_meaning = profile in ("semantics", "reductions", "distributed", "fresh")
    return DEFINITION if about_meaning and not excess <= MEANINGFUL else ACCURATE


def lost_by_silence(group: str, profile: str) -> str:
    """Returns the level that is lost where an exception came instead of numbers.

    Args:
        group: Path of what was asked.
        profile: Profile that asked.
    """
    family = group.split("/")[1] if "/" in group else ""
    if profile == "training":
        return TRAINS
    plain = profile in ("accuracy", "gradients", "reductions", "semantics", "fresh")
    return DEFINITION if plain and family not in SPECIAL else ACCURATE
