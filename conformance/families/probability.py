"""Points of the binary cross-entropy of probabilities."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from conformance.families._spec import (
    HARD,
    GroupSpec,
    Inputs,
    Points,
    Setting,
    SumSpec,
    draw,
    nearest,
    reductions,
    setting,
)

NAN, INF = np.nan, np.inf
# The halves' smallest normal number, and what lies next to 1 in each dtype.
LEAST = 2.0**-14
NEXT = {"bfloat16": 1 - 2.0**-8, "float32": 1 - 2.0**-24, "float64": 1 - 2.0**-53}


def _grid(probs: ArrayLike, labels: ArrayLike) -> Inputs:
    """Every probability with every label."""
    p, y = np.meshgrid(np.asarray(probs, float), np.asarray(labels, float))
    return {"probs": p.ravel(), "labels": y.ravel()}


def _basic() -> Iterator[tuple[str, Inputs]]:
    """Ordinary probabilities."""
    yield "bfloat16", _grid(np.arange(1, 32) / 32, HARD)
    yield "float32", _grid(draw(34, 48, 0.01, 0.99, "float32"), HARD)
    yield "float64", _grid(draw(66, 48, 0.01, 0.99, "float64"), HARD)


def _kink() -> Iterator[tuple[str, Inputs]]:
    """Both ends, where a logarithm is clamped, and the clamp itself in float64."""
    yield "bfloat16", _grid([0, -0.0, 1], (0, 0.25, 0.5, 1))
    # exp(-100) is 3.72e-44.
    yield "float64", _grid([3.7e-44, 3.73e-44, 1e-43, 1e-44, 1e-60, 1e-300], HARD)


def _saturation() -> Iterator[tuple[str, Inputs]]:
    """Probabilities of far-out logits, and their neighbours of 0 and 1."""
    yield "bfloat16", _grid([LEAST, 2.0**-11, 2.0**-8, 1 - 2.0**-7, 1 - 2.0**-8], HARD)
    tails = nearest(np.exp([-17, -37, -80, -87.0]), "float32")
    yield "float32", _grid([*tails, 1 - 2.0**-23, NEXT["float32"]], HARD)
    tails = np.exp([-17.1, -37.2, -89, -99.9])
    yield "float64", _grid([*tails, 1 - 2.0**-52, NEXT["float64"]], HARD)


def _cancellation() -> Iterator[tuple[str, Inputs]]:
    """log(1-p) of small p and log p of p next to 1; gradients of labels equal to p."""
    yield "bfloat16", _grid(2.0 ** -np.arange(3.0, 15.0), (0,))
    yield "bfloat16", _grid(1 - 2.0 ** -np.arange(3.0, 9.0), (1,))
    p = draw(35, 12, 0.05, 0.95, "float32")
    yield "float32", {"probs": p, "labels": p}
    p = np.exp(-np.array([20.0, 60.0, 99.0, 2.0]))
    yield "float64", {"probs": p, "labels": p}


def _underflow() -> Iterator[tuple[str, Inputs]]:
    """Confidently right: results near the smallest normal number."""
    yield "float32", _grid(nearest([1.2e-38, 3e-38, 1e-30, 1e-20], "float32"), (0,))
    yield "float64", _grid([2.3e-308, 1e-300, 1e-200, 1e-100], (0,))


def _dead_gradient() -> Iterator[tuple[str, Inputs]]:
    """Confidently wrong: the gradient is as large as 1/p."""
    yield "bfloat16", _grid(2.0 ** -np.arange(2.0, 15.0), (1,))
    yield "bfloat16", _grid(1 - 2.0 ** -np.arange(1.0, 9.0), (0,))
    yield "float32", _grid(nearest([1e-6, 1e-10, 1e-20, 1e-37], "float32"), (1,))


def _soft_label() -> Iterator[tuple[str, Inputs]]:
    """Labels inside (0, 1), also next to both ends."""
    labels = nearest([LEAST, 0.1, 0.25, 0.3, 0.5, 0.75, NEXT["bfloat16"]], "bfloat16")
    probs = nearest(
        [0, LEAST, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, NEXT["bfloat16"], 1], "bfloat16"
    )
    yield "bfloat16", _grid(probs, labels)
    labels = nearest([1e-30, 2.0**-24, 0.3, NEXT["float32"]], "float32")
    yield "float32", _grid(nearest([1e-30, 0.01, 0.3, 0.99], "float32"), labels)
    yield "float64", _grid([1e-40, 0.01, 0.3, 0.99], [1e-300, 0.3, NEXT["float64"]])


def _nan_policy() -> Iterator[tuple[str, Inputs]]:
    """NaN stays in its element."""
    yield "bfloat16", _grid([0.25, NAN, 0.75], (0, 0.5, 1))


FAMILIES = (
    _basic,
    _kink,
    _saturation,
    _cancellation,
    _underflow,
    _dead_gradient,
    _soft_label,
    _nan_policy,
)


def _weighted(chosen: Setting) -> Iterator[GroupSpec]:
    """WEIGHTING: sample weights, zero included, in one dimension and in three."""
    inputs = _grid(np.arange(1, 16) / 16, (0, 0.25, 0.5, 1))
    weights = np.resize([0.0, 0.25, 1.0, 3.0, 20.0, 0.5, 1.5], 60)
    inputs = {**inputs, "sample_weight": weights}
    yield GroupSpec("weighting", chosen, inputs, variant="sample_weight")
    solid = {name: values.reshape(3, 4, 5) for name, values in inputs.items()}
    solid["labels"] = 1 - solid["labels"]
    yield GroupSpec("weighting", chosen, solid, variant="sample_weight;3-d")


def _bad_input(usual: Setting) -> Iterator[GroupSpec]:
    """BAD_INPUT: no number for what is no probability."""
    good = _grid([0.25, 0.5, 0.75], HARD)
    bad = [-(2.0**-8), 1 + 2.0**-7, 2.0, -1.0, INF, -INF]
    labels = [*bad, 255.0, -100.0, NAN]
    weights = np.resize([-1.0, NAN, INF], good["probs"].size)
    for variant, inputs in (
        ("probs", _grid(bad, (0, 0.5, 1))),
        ("labels", _grid([0.25, 1.0], labels)),
        ("sample_weight", {**good, "sample_weight": weights}),
    ):
        yield GroupSpec("bad_input", usual, inputs, variant=variant, policy="bad_value")


@dataclass(frozen=True)
class ProbabilityCases:
    """Points of the loss, which has no hyper-parameter."""

    def groups(self) -> Iterator[GroupSpec]:
        """Yields every group of points."""
        chosen = setting()
        for family in FAMILIES:
            for number, (exact_in, inputs) in enumerate(family()):
                again = exact_in == "bfloat16" and number
                yield GroupSpec(
                    family.__name__[1:],
                    chosen,
                    inputs,
                    exact_in,
                    "high" if again else "",
                )
        for label in HARD:
            inputs = _grid(np.arange(1, 8) / 8, [label])
            yield GroupSpec("one_class", chosen, inputs, variant=f"labels={label:g}")
        yield from _weighted(chosen)
        yield from _bad_input(chosen)

    def sum_cases(self) -> Iterator[SumSpec]:
        """Yields every reduction."""
        probs = [0.5, 0.25, 0.875, 0.0, 0.0625, 1.0, 0.75, 2.0**-8, 0.375]
        usual = {
            "probs": np.array(probs),
            "labels": np.array([0.0, 1.0, 0.0, 0.25, 0.0, 1.0, 1.0, 0.0, 1.0]),
            "sample_weight": np.array([1.0, 0.5, 3.0, 1.0, 2.0, 0.0, 5.0, 1.0, 0.25]),
        }
        # From 1e-30 to 1e4: the logarithm ends at 100, the weight does the rest.
        lopsided = {
            "probs": nearest([1e-30, 0.0, 1e-16, 0.5, 1e-9, 1e-30, 0.25], "float32"),
            "labels": np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0]),
            "sample_weight": np.array([1.0, 128.0, 1.0, 2.0, 0.5, 1.0, 1.0]),
        }
        points = Points("reduction", setting(), usual, exact_in="float32")
        yield from reductions(points, (setting(),), lopsided)
