"""Points of the element-wise losses on independent logits."""

from collections.abc import Callable, Iterator, Mapping
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
    signed,
)


def _grid(logits: ArrayLike, labels: ArrayLike) -> Inputs:
    """Every logit with every label."""
    x, y = np.meshgrid(np.asarray(logits, float), np.asarray(labels, float))
    return {"logits": x.ravel(), "labels": y.ravel()}


def _margins(margins: ArrayLike) -> Inputs:
    """Hard labels whose signed margin is given, both labels: symmetric pairs."""
    m = np.asarray(margins, float)
    return {
        "logits": np.concatenate([m, -m]),
        "labels": np.repeat([1.0, 0.0], m.size),
    }


def basic() -> Iterator[tuple[str, Inputs]]:
    """Ordinary logits, where every formula works."""
    yield "bfloat16", _grid(signed(0.25, 0.5, 1, 2, 3, 5, 8, 12), HARD)
    yield "float32", _grid(draw(32, 8, -12.0, 12.0, "float32"), HARD)
    yield "float64", _grid(draw(64, 8, -30.0, 30.0, "float64"), HARD)


def kink() -> Iterator[tuple[str, Inputs]]:
    """Both zeros and their neighbours: where max(x, 0) and |x| have no slope."""
    yield "bfloat16", _grid([0.0, -0.0, *signed(2.0**-14, 2.0**-7)], (0.0, 0.5, 1.0))
    yield "float32", _grid(signed(2.0**-126, 2.0**-24), HARD)
    yield "float64", _grid(signed(2.0**-1022, 2.0**-53), HARD)


def saturation() -> Iterator[tuple[str, Inputs]]:
    """Where 1+exp(-x) rounds to 1, exp overflows and exp underflows, per dtype."""
    # 710, 746 and 1e4 need more than eight bits: the bfloat16 group has neighbours.
    yield (
        "bfloat16",
        _grid(signed(17, 37, 89, 104, 704, 712, 744, 748, 9984), HARD),
    )
    yield "float32", _grid(signed(710, 746, 1e4), HARD)
    yield "float64", _grid(signed(709.782712893384, 745.1332191019412), HARD)


def cancellation() -> Iterator[tuple[str, Inputs]]:
    """1 - sigmoid in the tail, and labels at the zero of the gradient."""
    yield "bfloat16", _margins([6, 9, 10, 11, 13, 14, 15, 16, 25])
    # Far out on the left the label is tiny and must not pass through 1 - y.
    for dtype, far in (("float32", -20.1), ("float64", -150.3)):
        logits = nearest([far, -9.3, -1.7, -0.6, 0.4, 1.3, 2.9, 8.7], dtype)
        labels = nearest(1.0 / (1.0 + np.exp(-logits)), dtype)
        yield dtype, {"logits": logits, "labels": labels}


def underflow() -> Iterator[tuple[str, Inputs]]:
    """Confidently right: results near and below the smallest normal number."""
    yield "bfloat16", _margins([60, 80, 86, 100, 128, 350, 700, 720, 752])
    yield "float32", _margins(nearest([30.03, 87.33654], "float32"))
    yield "float64", _margins([708.39, 744.44])


def dead_gradient() -> Iterator[tuple[str, Inputs]]:
    """Confidently wrong: the gradient must be as large as it gets."""
    yield "bfloat16", _margins([-4, -6, -10, -16, -20, -30, -50, -100, -200, -1000])


def soft_label() -> Iterator[tuple[str, Inputs]]:
    """Labels inside (0, 1), also next to both ends."""
    labels = nearest([2.0**-14, 0.1, 0.25, 0.3, 0.5, 0.75, 1 - 2.0**-8], "bfloat16")
    yield "bfloat16", _grid([-104.0, -17.0, -5.0, -1.0, 0.0, 1.0, 5.0, 20.0], labels)
    labels = nearest([1e-30, 2.0**-24, 0.3, 1 - 2.0**-24], "float32")
    yield "float32", _grid(nearest([-17.3, -2.0, 1.0, 17.3], "float32"), labels)
    yield "float64", _grid([-37.1, -2.0, 1.0, 37.1], [1e-300, 0.3, 1 - 2.0**-53])


def nan_policy() -> Iterator[tuple[str, Inputs]]:
    """Infinities give limits, NaN stays in its element."""
    labels = nearest([0.0, 0.3, 0.5, 1.0], "bfloat16")
    yield "bfloat16", _grid([np.inf, -np.inf, np.nan, 1.5], labels)


def param_edge() -> Iterator[tuple[str, Inputs]]:
    """Few points, for many settings."""
    yield "bfloat16", _grid([-40.0, -3.0, -0.5, 0.0, 0.5, 3.0, 40.0], HARD)


Family = Callable[[], Iterator[tuple[str, Inputs]]]
POINTWISE: dict[str, Family] = {
    f.__name__: f
    for f in (
        basic,
        kink,
        saturation,
        cancellation,
        underflow,
        dead_gradient,
        param_edge,
        soft_label,
        nan_policy,
    )
}


def _pointwise(grids: Mapping[str, tuple[Setting, ...]]) -> Iterator[GroupSpec]:
    """Groups of the families that are plain lists of points."""
    for family, settings in grids.items():
        for chosen in settings:
            for exact_in, inputs in POINTWISE[family]():
                yield GroupSpec(family, chosen, inputs, exact_in)


def _weighted(settings: tuple[Setting, ...]) -> Iterator[GroupSpec]:
    """WEIGHTING: sample weights, zero included."""
    inputs = _grid([-11.0, -3.5, -1.25, 0.75, 2.5, 14.0], (0.0, 0.25, 1.0))
    weights = np.resize([0.0, 0.25, 1.0, 3.0, 20.0], inputs["logits"].size)
    for chosen in settings:
        yield GroupSpec(
            "weighting",
            chosen,
            {**inputs, "sample_weight": weights},
            variant="sample_weight",
        )


def _per_class(settings: tuple[Setting, ...]) -> Iterator[GroupSpec]:
    """WEIGHTING: pos_weight per class along the class axis of each setting."""

    def group(chosen: Setting, shape: list[int], variant: str = "") -> GroupSpec:
        n = int(np.prod(shape))
        # Unequal steps, so that no two classes see the same logits.
        logits = nearest(np.linspace(-7.5, 8.25, n), "bfloat16").reshape(shape)
        labels = np.resize([1.0, 0.0, 1.0, 0.25, 1.0], n).reshape(shape)
        inputs = {"logits": logits, "labels": labels}
        return GroupSpec("weighting", chosen, inputs, variant=variant)

    for chosen in settings:
        classes = chosen.arrays["pos_weight"].size
        shape = [2, 4, 3]
        axis = chosen.params.get("class_axis", -1)
        shape[axis], shape[2] = classes, shape[axis]
        yield group(chosen, shape)
        if axis == 0:
            # Along the wrong axis of a square the weights fit, but are wrong.
            yield group(chosen, [classes, classes], "square")


def _one_class(settings: tuple[Setting, ...]) -> Iterator[GroupSpec]:
    """ONE_CLASS: a batch without positives, and one without negatives."""
    for chosen in settings:
        for label in HARD:
            inputs = _grid([-30.0, -6.0, -0.5, 0.0, 2.0, 9.0], [label])
            variant = f"labels={label:g}"
            yield GroupSpec("one_class", chosen, inputs, variant=variant)


def _bad_input(
    usual: Setting, settings: tuple[Setting, ...], *, sample_weight: bool
) -> Iterator[GroupSpec]:
    """BAD_INPUT: never a plausible number, never a wrapped index.

    Args:
        usual: A valid setting, for labels and weights that are not.
        settings: Settings that are themselves out of range.
        sample_weight: Whether the operation takes sample weights.
    """

    def group(chosen: Setting, inputs: Inputs, variant: str) -> GroupSpec:
        return GroupSpec(
            "bad_input", chosen, inputs, variant=variant, policy="bad_value"
        )

    labels = [-1.0, -(2.0**-8), 1 + 2.0**-7, 2.0, 255.0, -100.0, np.inf, np.nan]
    yield group(usual, _grid([-2.0, 1.0], labels), "labels")
    good = _grid([-2.0, 0.0, 1.0], HARD)
    if sample_weight:
        weights = np.resize([-1.0, np.nan], good["logits"].size)
        yield group(usual, {**good, "sample_weight": weights}, "sample_weight")
    for chosen in settings:
        yield group(chosen, good, "")


@dataclass(frozen=True)
class BinaryCases:
    """Points of one element-wise loss on logits.

    Attributes:
        grids: Settings tried by each family of plain points.
        per_class: Settings with one ``pos_weight`` per class.
        one_class: Settings tried with batches of a single class.
        sums: Settings of the reductions; arrays in them are scalars.
        bad_settings: Settings out of range.
        weighted: Settings tried with sample weights.
        sample_weight: Whether the operation takes sample weights.
    """

    grids: Mapping[str, tuple[Setting, ...]]
    per_class: tuple[Setting, ...]
    one_class: tuple[Setting, ...]
    sums: tuple[Setting, ...]
    bad_settings: tuple[Setting, ...]
    weighted: tuple[Setting, ...] = ()
    sample_weight: bool = True

    def groups(self) -> Iterator[GroupSpec]:
        """Yields every group of points."""
        usual = self.grids["basic"][0]
        yield from _pointwise(self.grids)
        yield from _weighted(self.weighted)
        yield from _per_class(self.per_class)
        yield from _one_class(self.one_class)
        yield from _bad_input(
            usual, self.bad_settings, sample_weight=self.sample_weight
        )

    def sum_cases(self) -> Iterator[SumSpec]:
        """Yields every reduction."""
        logits = [-7.0, 3.5, -0.75, 0.0, 1.5, -16.0, 5.0, -2.5, 12.0, -4.0, 0.25]
        labels = [0.0, 1.0, 0.0, 1.0, 0.25, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
        usual = {"logits": np.array(logits), "labels": np.array(labels)}
        # From 1e-30 to 1e4, small ones before, between and after the large.
        lopsided = _margins([69, -9984, 34, -104, 50, -7, 20, 61, 3])
        if self.sample_weight:
            weights = [1.0, 0.5, 3.0, 1.0, 2.0, 0.0, 1.0, 5.0, 1.0, 0.25, 1.0]
            usual["sample_weight"] = np.array(weights)
            lopsided["sample_weight"] = np.resize(
                [1.0, 2.0, 0.5], lopsided["logits"].size
            )
        points = Points("reduction", self.sums[0], usual)
        yield from reductions(points, self.sums, lopsided)
