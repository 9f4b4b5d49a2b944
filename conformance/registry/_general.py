"""Clauses that hold of every operation, and the points that show them."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance.registry._operation import Rule

GENERAL: Mapping[str, str] = {
    "GEN-1": "arguments: names, order and defaults are those of the signature",
    "GEN-2": "shapes: nothing broadcasts but weights, and only where it is said",
    "GEN-3": "reductions: none, sum, mean by default, parts; mean is sum / normalizer",
    "GEN-4": "a mean over nothing is 0, and so is its gradient",
    "GEN-5": "weights are factors, per class along the class axis, in no normalizer",
    "GEN-6": "dtypes: half precision is computed in float32 and its value is float32",
    "GEN-7": "infinite logits give the limit, in value and gradient",
    "GEN-8": "NaN in gives NaN out, in that element only",
    "GEN-9": "values out of range raise, or make value and gradient NaN",
    "GEN-10": "calls of a wrong form are refused: words, types, shapes",
    "GEN-11": "gradients of every real argument, closed form and finite",
    "GEN-12": "second derivatives are finite, and those of the gradient",
    "GEN-13": "sums: neither the order of terms nor where they are cut matters",
    "GEN-14": "transforms give the same numbers and trace once",
    "GEN-15": "determinism: the same call gives the same bits",
    "GEN-16": "pure functions: arguments are left alone, state goes in and comes out",
    "GEN-17": "shards: the mean over them is that of the whole",
    "GEN-18": "accuracy: every number is within the error model",
    "GEN-19": "training: updates go the way of the reference",
}

# Length of the reductions that shards, repetitions and defaults are asked of.
ASKED_OFTEN = 1023
# Past what a running sum in float32 adds up without harm.
LONG = 70_000


def _of_length(tile: int) -> Rule:
    return lambda p: p.get("tile") == tile and p["family"] == "reduction"


def _detached(point: Mapping[str, Any]) -> bool:
    arrays = any(isinstance(v, np.ndarray) for v in point.values())
    return arrays and _of_length(7)(point)


# Of everything that is reduced.
REDUCED: Mapping[str, Rule] = {
    "default-arguments": _of_length(ASKED_OFTEN),
    "unordered-sum": _of_length(ASKED_OFTEN),
    "mean-of-means": _of_length(ASKED_OFTEN),
    "large-sum": lambda p: p.get("tile", 0) > LONG,
    "empty-mean": lambda p: "tile" in p and p["family"] == "empty",
}
# Of what is also differentiated by its weights and hyper-parameters.
LEARNED: Mapping[str, Rule] = {"detached-parameter": _detached}


def means_another(point: Mapping[str, Any], *outputs: str) -> bool:
    """Whether a wrong number is one of meaning, of what is finite and there.

    Args:
        point: What is known of it.
        outputs: Outputs that it may be of, besides values.
    """
    usual = point["meant"] and point["family"] not in ("nan_policy", "empty")
    return usual and point["output"] in ("value", "sum", "mean", *outputs)


def nonnegative(value: float) -> bool:
    """Whether a number may be a weight or an exponent."""
    return 0 <= value < math.inf


def positive(value: float) -> bool:
    """Whether a number may be a width or a count."""
    return 0 < value < math.inf


def share(value: float) -> bool:
    """Whether a number may be a smoothing or a momentum."""
    return 0 <= value < 1


def portion(value: float) -> bool:
    """Whether a number may be the weight of a class and its complement."""
    return 0 <= value <= 1


def out_of_range(**valid: Callable[[float], bool]) -> Rule:
    """Makes the rule for calls of which a number is out of range.

    Args:
        valid: By argument, whether a number is in range.
    """

    def rule(point: Mapping[str, Any]) -> bool:
        given = {k: point[k] for k in valid if isinstance(point.get(k), int | float)}
        wrong = any(not valid[k](v) for k, v in given.items())
        return wrong and point["family"] == "bad_input"

    return rule
