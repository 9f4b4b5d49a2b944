"""Point families: which inputs an element-wise binary loss is tried on, and why.

Everything is deterministic: grids are written out, draws come from raw PCG64 bits,
whose stream NumPy guarantees. The result is frozen as bits in the vectors anyway.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Inputs = dict[str, Array]

REDUCTION_SIZES = (1, 2, 7, 1023, 1025, 70001)


@dataclass(frozen=True)
class Setting:
    """Keyword arguments of one group: numbers and strings, and arrays."""

    params: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The setting as it stands in paths, ``gamma=2;alpha=0.25``."""
        parts = [f"{k}={_short(v)}" for k, v in self.params.items()]
        parts += [
            f"{k}=({','.join(_short(float(v)) for v in a.ravel())})"
            for k, a in self.arrays.items()
        ]
        return ";".join(parts) or "default"


@dataclass(frozen=True)
class GroupSpec:
    """Points that share a setting; evaluated in one call."""

    family: str
    setting: Setting
    inputs: Inputs
    exact_in: str = "bfloat16"
    variant: str = ""
    policy: str = "value"

    @property
    def label(self) -> str:
        """Last part of the path: setting, variant, and dtype unless bfloat16."""
        dtype = "" if self.exact_in == "bfloat16" else self.exact_in
        return ";".join(p for p in (self.setting.label, self.variant, dtype) if p)


@dataclass(frozen=True)
class SumSpec:
    """Points repeated to a given number of elements and reduced."""

    family: str
    setting: Setting
    inputs: Inputs
    tile: int
    exact_in: str = "bfloat16"

    @property
    def label(self) -> str:
        """Last part of the path."""
        return f"{self.setting.label};n={self.tile}"


def setting(**arguments: Any) -> Setting:
    """Makes a setting: lists become arrays, everything else a parameter."""
    arrays = {k: v for k, v in arguments.items() if isinstance(v, list | np.ndarray)}
    return Setting(
        {k: v for k, v in arguments.items() if k not in arrays},
        {k: np.asarray(v, dtype=np.float64) for k, v in arrays.items()},
    )


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def nearest(values: ArrayLike, dtype: str) -> Array:
    """Rounds to the nearest number of the dtype, as float64."""
    wide = np.asarray(values, dtype=np.float64)
    if dtype == "float64":
        return wide
    single = wide.astype(np.float32)
    if dtype == "bfloat16":
        bits = single.view(np.uint32)
        rounded = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
        single = (rounded & np.uint32(0xFFFF0000)).view(np.float32)
    return single.astype(np.float64)


def _draw(seed: int, n: int, low: float, high: float, dtype: str) -> Array:
    raw = np.random.PCG64(seed).random_raw(n)
    unit = (raw >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return nearest(low + (high - low) * unit, dtype)


def _signed(*magnitudes: float) -> Array:
    return np.array([s * m for m in magnitudes for s in (1.0, -1.0)])


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


HARD = (0.0, 1.0)


def basic() -> Iterator[tuple[str, Inputs]]:
    """Ordinary logits, where every formula works."""
    yield "bfloat16", _grid(_signed(0.25, 0.5, 1, 2, 3, 5, 8, 12), HARD)
    yield "float32", _grid(_draw(32, 8, -12.0, 12.0, "float32"), HARD)
    yield "float64", _grid(_draw(64, 8, -30.0, 30.0, "float64"), HARD)


def kink() -> Iterator[tuple[str, Inputs]]:
    """Both zeros and their neighbours: where max(x, 0) and |x| have no slope."""
    yield "bfloat16", _grid([0.0, -0.0, *_signed(2.0**-14, 2.0**-7)], (0.0, 0.5, 1.0))
    yield "float32", _grid(_signed(2.0**-126, 2.0**-24), HARD)
    yield "float64", _grid(_signed(2.0**-1022, 2.0**-53), HARD)


def saturation() -> Iterator[tuple[str, Inputs]]:
    """Where 1+exp(-x) rounds to 1, exp overflows and exp underflows, per dtype."""
    # 710, 746 and 1e4 need more than eight bits: the bfloat16 group has neighbours.
    yield (
        "bfloat16",
        _grid(_signed(17, 37, 89, 104, 704, 712, 744, 748, 9984), HARD),
    )
    yield "float32", _grid(_signed(710, 746, 1e4), HARD)
    yield "float64", _grid(_signed(709.782712893384, 745.1332191019412), HARD)


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


def pointwise(grids: Mapping[str, tuple[Setting, ...]]) -> Iterator[GroupSpec]:
    """Groups of the families that are plain lists of points."""
    for family, settings in grids.items():
        for chosen in settings:
            for exact_in, inputs in POINTWISE[family]():
                yield GroupSpec(family, chosen, inputs, exact_in)


def weighted(settings: tuple[Setting, ...]) -> Iterator[GroupSpec]:
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


def per_class(settings: tuple[Setting, ...]) -> Iterator[GroupSpec]:
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


def one_class(settings: tuple[Setting, ...]) -> Iterator[GroupSpec]:
    """ONE_CLASS: a batch without positives, and one without negatives."""
    for chosen in settings:
        for label in HARD:
            inputs = _grid([-30.0, -6.0, -0.5, 0.0, 2.0, 9.0], [label])
            variant = f"labels={label:g}"
            yield GroupSpec("one_class", chosen, inputs, variant=variant)


def bad_input(
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


def reductions(
    settings: tuple[Setting, ...], *, sample_weight: bool
) -> Iterator[SumSpec]:
    """REDUCTION and EMPTY: uneven points, tiled past every block size.

    Args:
        settings: Arrays in them are scalars whose gradients are wanted.
        sample_weight: Whether the operation takes sample weights.
    """
    logits = [-7.0, 3.5, -0.75, 0.0, 1.5, -16.0, 5.0, -2.5, 12.0, -4.0, 0.25]
    labels = [0.0, 1.0, 0.0, 1.0, 0.25, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    inputs = {"logits": np.array(logits), "labels": np.array(labels)}
    if sample_weight:
        weights = [1.0, 0.5, 3.0, 1.0, 2.0, 0.0, 1.0, 5.0, 1.0, 0.25, 1.0]
        inputs["sample_weight"] = np.array(weights)
    for chosen in settings:
        yield SumSpec("empty", chosen, inputs, 0)
        for size in REDUCTION_SIZES:
            yield SumSpec("reduction", chosen, inputs, size)
