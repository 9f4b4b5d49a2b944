"""Points of the focal loss on heat maps."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from conformance.families._spec import (
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

NAN, INF = np.nan, np.inf
MASK = {"pos_mask": "mask"}


def _grid(logits: ArrayLike, heatmap: ArrayLike) -> Inputs:
    """Every logit with every height."""
    x, h = np.meshgrid(np.asarray(logits, float), np.asarray(heatmap, float))
    return {"logits": x.ravel(), "heatmap": h.ravel()}


def _margins(margins: ArrayLike, low: float = 0.25) -> Inputs:
    """Peaks whose logit is given and others with its negative."""
    m = np.asarray(margins, float)
    return {
        "logits": np.concatenate([m, -m]),
        "heatmap": np.repeat([1.0, low], m.size),
    }


def basic() -> Iterator[tuple[str, Inputs]]:
    """Ordinary logits, where every formula works."""
    yield "bfloat16", _grid(signed(0.5, 1, 3, 8, 12), (0, 0.25, 0.75, 1))
    yield "float32", _grid(draw(36, 5, -12.0, 12.0, "float32"), (0, 0.5, 1))
    yield "float64", _grid(draw(68, 5, -30.0, 30.0, "float64"), (0.125, 1))


def kink() -> Iterator[tuple[str, Inputs]]:
    """Both zeros and their neighbours, and heights next to the peak."""
    yield "bfloat16", _grid([0.0, -0.0, *signed(2.0**-14)], (0, 1 - 2.0**-8, 1))


def saturation() -> Iterator[tuple[str, Inputs]]:
    """Where 1+exp(-x) rounds to 1, exp overflows and exp underflows, per dtype."""
    far = signed(17, 37, 89, 104, 704, 712, 744, 748, 9984)
    yield "bfloat16", _grid(far, (0.5, 1))
    yield "float32", _grid(signed(710, 746, 1e4), (0, 1))
    yield "float64", _grid(signed(709.782712893384, 745.1332191019412), (0, 1))


def cancellation() -> Iterator[tuple[str, Inputs]]:
    """1 - p in the tail, and 1 - h next to the peak."""
    yield "bfloat16", _margins([6, 9, 11, 13, 15, 16, 25])
    yield "float32", _grid([-1.5, 2.5], 1 - 2.0 ** -np.array([3.0, 9, 17, 24]))
    yield "float64", _grid([-1.5, 2.5], 1 - 2.0 ** -np.array([20.0, 53]))


def underflow() -> Iterator[tuple[str, Inputs]]:
    """Confidently right: results near and below the smallest normal number."""
    yield "bfloat16", _margins([60, 80, 100, 128, 350, 720], 0.0)
    yield "float64", _margins([236.1, 472.3], 0.0)


def dead_gradient() -> Iterator[tuple[str, Inputs]]:
    """Confidently wrong: a missed peak must not be forgotten."""
    yield "bfloat16", _margins([-4, -6, -9.25, -12, -20, -50, -100, -200, -1000])


def param_edge() -> Iterator[tuple[str, Inputs]]:
    """Few points, for many settings."""
    yield "bfloat16", _grid([-40.0, -3.0, 0.0, 3.0, 40.0], (0, 0.5, 1))


def soft_label() -> Iterator[tuple[str, Inputs]]:
    """Heights between 0 and 1, also next to both ends."""
    heights = nearest([2.0**-14, 0.1, 0.3, 0.5, 0.9, 1 - 2.0**-8], "bfloat16")
    yield "bfloat16", _grid([-104.0, -5.0, -1.0, 0.0, 1.0, 5.0, 20.0], heights)
    heights = nearest([1e-30, 2.0**-24, 0.3], "float32")
    yield "float32", _grid(nearest([-17.3, 1.0, 17.3], "float32"), heights)
    yield "float64", _grid([-37.1, 1.0, 37.1], [1e-300, 0.3])


def nan_policy() -> Iterator[tuple[str, Inputs]]:
    """Infinities give limits, NaN stays in its element."""
    yield "bfloat16", _grid([INF, -INF, NAN, 1.5], (0, 0.5, 1))


Family = Callable[[], Iterator[tuple[str, Inputs]]]
FAMILIES: dict[str, Family] = {
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


def _masked(settings: tuple[Setting, ...]) -> Iterator[GroupSpec]:
    """MASK: peaks by a mask, also where the height is not 1, and not where it is."""
    for chosen in settings:
        inputs = _grid([-12.0, -2.0, 0.0, 3.0, 9.0], (0.0, 0.5, 0.75, 1.0))
        inputs["pos_mask"] = np.resize([1.0, 0.0, 0.0], inputs["logits"].size)
        yield GroupSpec("mask", chosen, inputs, kinds=MASK)
        solid = {name: values.reshape(2, 5, 2) for name, values in inputs.items()}
        yield GroupSpec("mask", chosen, solid, variant="3-d", kinds=MASK)


def _one_class(settings: tuple[Setting, ...]) -> Iterator[GroupSpec]:
    """ONE_CLASS and EMPTY: peaks alone, and no peak at all."""
    x = [-30.0, -6.0, -0.5, 0.0, 2.0, 9.0]
    for chosen in settings:
        yield GroupSpec("one_class", chosen, _grid(x, [1.0]), variant="peaks")
        inputs = _grid(x, [0.0, 0.75])
        yield GroupSpec("empty", chosen, inputs, variant="no-peak")
        inputs["pos_mask"] = np.zeros(inputs["logits"].shape)
        yield GroupSpec("empty", chosen, inputs, variant="mask", kinds=MASK)


def _bad_input(usual: Setting, settings: tuple[Setting, ...]) -> Iterator[GroupSpec]:
    """BAD_INPUT: heights that are none, and hyper-parameters out of range."""
    bad = [-1.0, -(2.0**-8), 1 + 2.0**-7, 2.0, 255.0, INF, NAN]
    yield GroupSpec(
        "bad_input",
        usual,
        _grid([-2.0, 1.0], bad),
        variant="heatmap",
        policy="bad_value",
    )
    for chosen in settings:
        inputs = _grid([-2.0, 0.0, 1.0], (0.0, 0.5, 1.0))
        yield GroupSpec("bad_input", chosen, inputs, policy="bad_value")


@dataclass(frozen=True)
class HeatmapCases:
    """Points of the loss.

    Attributes:
        grids: Settings tried by each family of plain points.
        masked: Settings tried with a mask of the peaks.
        one_class: Settings tried with peaks alone and without any.
        sums: Settings of the reductions; arrays in them are scalars.
        bad_settings: Settings out of range.
    """

    grids: Mapping[str, tuple[Setting, ...]]
    masked: tuple[Setting, ...]
    one_class: tuple[Setting, ...]
    sums: tuple[Setting, ...]
    bad_settings: tuple[Setting, ...]

    def groups(self) -> Iterator[GroupSpec]:
        """Yields every group of points."""
        for family, settings in self.grids.items():
            for chosen in settings:
                for exact_in, inputs in FAMILIES[family]():
                    yield GroupSpec(family, chosen, inputs, exact_in)
        yield from _masked(self.masked)
        yield from _one_class(self.one_class)
        yield from _bad_input(self.grids["basic"][0], self.bad_settings)

    def sum_cases(self) -> Iterator[SumSpec]:
        """Yields every reduction."""
        x = [-7.0, 3.5, -0.75, 0.0, 1.5, -16.0, 5.0, -2.5, 12.0, -4.0, 0.25]
        h = [0.0, 1.0, 0.25, 0.5, 0.75, 0.0, 0.0, 1.0, 0.875, 0.0, 0.5]
        usual = {"logits": np.array(x), "heatmap": np.array(h)}
        # From 1e-30 to 1e4, small ones before, between and after the large.
        lopsided = _margins([23, -9984, 11, -104, 17, -7, 6, 20, 3])
        points = Points("reduction", self.sums[0], usual)
        yield from reductions(points, self.sums, lopsided)
        nowhere = {**usual, "heatmap": np.minimum(usual["heatmap"], 0.75)}
        for size in (7, 1023):
            yield SumSpec("empty", self.sums[0], nowhere, variant="no-peak", tile=size)
