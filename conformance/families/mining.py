"""Points of hard-example mining, where only the order of the losses counts."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from conformance.families._spec import (
    Array,
    GroupSpec,
    Setting,
    SumSpec,
    draw,
    nearest,
    setting,
    signed,
)

NAN, INF = np.nan, np.inf
SIZE = 40


def _families() -> Iterator[tuple[str, str, Array]]:
    """Losses of one call."""
    yield "basic", "bfloat16", draw(39, SIZE, 0.0, 12.0, "bfloat16")
    yield "basic", "float32", draw(40, SIZE, 0.0, 12.0, "float32")
    yield "basic", "float64", draw(71, SIZE, 0.0, 12.0, "float64")
    # Ties of the last that is selected, and zeros of both signs, which are equal.
    yield "kink", "bfloat16", np.resize([2.0, 0.5, 2.0, 1.0, 0.5], SIZE)
    yield "kink", "bfloat16", np.resize([0.0, -0.0, -1.0], SIZE)
    near = 1 + 2.0**-52 * np.resize([3.0, 1, 2, 0, 1], SIZE)
    yield "kink", "float64", near
    sizes = np.resize(signed(1e-30, 1e-4, 1, 1e4, 1e30), SIZE)
    yield "saturation", "float32", nearest(sizes, "float32")
    yield "one_class", "bfloat16", np.full(SIZE, 0.75)
    losses = np.resize([3.0, 1.0, 0.25], SIZE)
    losses[[5, 17, 38, 39]] = [NAN, INF, NAN, INF]
    losses[30] = -INF
    yield "nan_policy", "bfloat16", losses


@dataclass(frozen=True)
class MiningCases:
    """Points of hard-example mining.

    Attributes:
        settings: Settings tried on one batch of losses.
        bad_settings: Settings out of range.
    """

    settings: tuple[Setting, ...]
    bad_settings: tuple[Setting, ...]

    def groups(self) -> Iterator[GroupSpec]:
        """Yields every group of points."""
        for number, (family, exact_in, losses) in enumerate(_families()):
            variant = "zeros" if number == 4 else ""
            yield GroupSpec(family, setting(), {"losses": losses}, exact_in, variant)
        losses = np.roll(np.resize([2.0, 0.5, 3.5, 1.0, 0.5, 2.0, 9.0], SIZE), 3)
        for chosen in self.settings:
            yield GroupSpec("param_edge", chosen, {"losses": losses})
        for size in (1, 7):
            few = {"losses": losses[:size]}
            yield GroupSpec("param_edge", setting(), few, variant=f"size={size}")
        for chosen in self.bad_settings:
            few = {"losses": losses[:4]}
            yield GroupSpec("bad_input", chosen, few, policy="bad_value")

    def sum_cases(self) -> Iterator[SumSpec]:
        """Yields nothing: a selection is not reduced."""
        yield from ()
