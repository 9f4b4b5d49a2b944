"""From arguments to expected outputs, for examples, calls and reductions."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from mpmath import mp, mpf

from conformance.budgets import sum_scale
from conformance.oracle import binary, ghm, heatmap, mining, probability, softmax
from conformance.oracle._core import (
    DIGITS,
    Args,
    Expected,
    Number,
    Outputs,
    Real,
    Whole,
    encode,
    encoded,
    exact,
    number,
)

Stored = Expected | list[Expected]

# Of one example each.
SEPARATE: dict[str, Callable[[Args], Outputs]] = {
    **binary.DEFINITIONS,
    **probability.DEFINITIONS,
    **softmax.DEFINITIONS,
    **heatmap.DEFINITIONS,
}
# Of a whole call, whose examples may be repeated.
COUPLED: dict[str, Callable[[Sequence[Args], Sequence[int]], Whole]] = {
    **ghm.COUPLED,
    **mining.COUPLED,
}
DEFINITIONS = (*SEPARATE, *COUPLED)

# Defaults of the signatures, as the specification states them.
DEFAULTS: dict[str, Any] = {
    "sample_weight": 1.0,
    "pos_weight": 1.0,
    "label_smoothing": 0.0,
    "alpha": None,
    "gamma": 2.0,
    "modulator": "probability",
    "class_weights": None,
    "smoothing": "uniform",
    "ignore_index": -100,
    "normalizer": "weights",
    "bins": 10,
    "momentum": 0.0,
    "debias": True,
    "average_over": "nonempty",
    "sample_mask": True,
    "state_counts": None,
    "state_updates": None,
}
OWN_DEFAULTS: dict[str, dict[str, Any]] = {
    "softmax_focal_loss": {"normalizer": "count"},
    "ghmr_loss": {"mu": 0.02},
    "hard_example_mining": {"fraction": 0.2},
    "heatmap_focal_loss": {"alpha": 2.0, "beta": 4.0, "pos_mask": None},
}


def defaults(operation: str) -> dict[str, Any]:
    """Default of every keyword argument of an operation."""
    return {**DEFAULTS, **OWN_DEFAULTS.get(operation, {})}


def complete(operation: str, point: Args) -> dict[str, Any]:
    """All arguments of an example as exact numbers, defaults included."""
    known = {**defaults(operation), **point}
    return {name: number(v) for name, v in known.items()}


def evaluate(
    operation: str, points: Sequence[Args], counts: Sequence[int] | None = None
) -> Whole:
    """Evaluates a call.

    Args:
        operation: Name of the operation.
        points: Arguments of every example by name, as floats, ``mpf``, lists of them
            or text; those absent take their default.
        counts: How often each example occurs in the call; once when absent.

    Returns:
        Value and gradients of every example, and the outputs of the call.
    """
    with mp.workdps(DIGITS):
        arguments = [complete(operation, point) for point in points]
        if operation in COUPLED:
            return COUPLED[operation](arguments, counts or [1] * len(points))
        return Whole([SEPARATE[operation](a) for a in arguments], {})


def truth(operation: str, arguments: Args) -> Outputs:
    """Evaluates a call of one example; see :func:`evaluate`."""
    return evaluate(operation, [arguments]).points[0]


def expect(
    operation: str, points: Sequence[Args], outputs: Iterable[str]
) -> tuple[list[dict[str, Stored]], dict[str, Stored]]:
    """Expected outputs of the examples of one call, and of the call itself."""
    whole = evaluate(operation, points)
    wanted = tuple(outputs)
    return (
        [{name: encoded(p[name]) for name in wanted} for p in whole.points],
        {name: encoded(o) for name, o in whole.totals.items()},
    )


def expect_sum(
    operation: str, points: Sequence[Args], tile: int, gradients: Iterable[str]
) -> tuple[list[Outputs], dict[str, Stored]]:
    """Reduces points repeated cyclically to ``tile`` elements.

    Args:
        operation: Name of the operation.
        points: Arguments of the examples.
        tile: Number of elements.
        gradients: Names of the gradients to add up, ``grad_<argument>``.

    Returns:
        Outputs of each example as an element of the sum, and the expected reductions.
    """
    counts = [len(range(i, tile, len(points))) for i in range(len(points))]
    whole = evaluate(operation, points, counts)
    expected: dict[str, Stored] = {k: encoded(o) for k, o in whole.totals.items()}
    with mp.workdps(DIGITS):
        for name in gradients:
            expected[name] = encoded(_reduce(whole, name, counts))
        value, normalizer = _added(whole, counts), _normalizer(whole, counts)
        divisor = normalizer.value or mpf(1)
        scale = value.scale / divisor
        scale += abs(value.value) * normalizer.scale / divisor**2
        expected["sum"] = encode(value.value, value.scale)
        expected["mean"] = encode(value.value / divisor, scale)
        expected["normalizer"] = encode(normalizer.value, normalizer.scale)
    return whole.points, expected


def _added(whole: Whole, counts: Sequence[int]) -> Number:
    value = _reduce(whole, "value", counts)
    return value if isinstance(value, Number) else value[0]


def _normalizer(whole: Whole, counts: Sequence[int]) -> Number:
    """Elements, or what an operation divides by instead."""
    parts = [p.get("normalizer", exact(1)) for p in whole.points]
    return _sum([p for p in parts if isinstance(p, Number)], counts)


def _reduce(whole: Whole, name: str, counts: Sequence[int]) -> Number | list[Number]:
    """Sum of an output over all elements, entry by entry for one with classes."""
    parts = [p[name] for p in whole.points]
    if isinstance(parts[0], Number):
        return _sum([p for p in parts if isinstance(p, Number)], counts)
    rows = [p for p in parts if isinstance(p, list)]
    return [_sum(list(column), counts) for column in zip(*rows, strict=True)]


def _sum(parts: Sequence[Number], counts: Sequence[int]) -> Number:
    # Repetitions of nothing stay nothing, also where the one is not finite.
    used = [(p, n) for p, n in zip(parts, counts, strict=True) if n]
    value = mp.fdot((n, p.value) for p, n in used)
    size = mp.fdot((n, p.size) for p, n in used)
    scale = mp.fdot((n, p.scale) for p, n in used)
    if all(_counted(p) for p, _ in used):
        return Number(value, size, mpf(0))
    return Number(value, size, mpf(sum_scale(sum(counts), size, scale)))


def _counted(part: Number) -> Real:
    """Whether a term is 0 or 1 exactly, so that sums up to 2**24 of it are too."""
    return not part.scale and part.value in (0, 1)
