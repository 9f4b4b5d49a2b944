"""Points of the losses on a softmax over classes.

Most rows have three classes: enough for a largest, a next and another logit, and no
weight or label is symmetric in them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

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
    setting,
)

INDEX = {"labels": "index"}
INF, NAN = np.inf, np.nan


def _grid(rows: ArrayLike, labels: Sequence[int] = (0, 1, 2)) -> Inputs:
    """Every row of logits with every class index."""
    x = np.asarray(rows, dtype=np.float64)
    return {
        "logits": np.tile(x, (len(labels), 1)),
        "labels": np.repeat(np.array(labels, dtype=np.float64), len(x)),
    }


def _soft_grid(rows: ArrayLike, labels: ArrayLike) -> Inputs:
    """Every row of logits with every row of probabilities."""
    x, y = np.asarray(rows, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    return {"logits": np.tile(x, (len(y), 1)), "labels": np.repeat(y, len(x), axis=0)}


def _apart(gaps: ArrayLike) -> np.ndarray:
    """Rows whose first logit is that far above the next."""
    return np.array([[gap, 0.0, -1.0] for gap in np.asarray(gaps, dtype=np.float64)])


def basic() -> Iterator[tuple[str, Inputs]]:
    """Ordinary logits, where every formula works."""
    rows = [[2, 0, -1], [0.5, 1, -0.5], [-3, 2, 5], [-0.25, 0.75, 12], [7, -5, 1.5]]
    yield "bfloat16", _grid(rows)
    yield "float32", _grid(draw(33, 6, -12.0, 12.0, "float32").reshape(2, 3))
    yield "float64", _grid(draw(65, 6, -30.0, 30.0, "float64").reshape(2, 3))


def kink() -> Iterator[tuple[str, Inputs]]:
    """Ties of the largest logit, where the maximum has no slope."""
    rows = [[0, 0, 0], [-0.0, 0, -0.0], [5, 5, 5], [2, 2, -3], [-3, 2, 2], [2, -7, 2]]
    yield "bfloat16", _grid([*rows, [-9984, -9984, -9984], [2.0**-14, 0, 0]])
    yield "float64", _grid([[1, 1 + 2.0**-52, 1 - 2.0**-53], [1e306, 1e306, -1e306]])


def saturation() -> Iterator[tuple[str, Inputs]]:
    """Where a sum of exponentials rounds to 1, overflows or underflows, per dtype."""
    gaps = np.array([17, 37, 89, 104, 704, 712, 744, 748, 9984])
    yield "bfloat16", _grid([*_apart(gaps), *-_apart(gaps)], (0, 1))
    gaps = np.array([710, 746, 1e4])
    yield "float32", _grid([*_apart(gaps), *-_apart(gaps)], (0, 2))
    yield "float64", _grid(_apart([709.782712893384, 745.1332191019412]), (0, 1))


def cancellation() -> Iterator[tuple[str, Inputs]]:
    """1 - p where p rounds to 1, and differences of large logits."""
    rows = _apart([6, 9, 10, 11, 13, 14, 15, 16, 25])
    yield "bfloat16", _grid([*rows, [1000, 996, 992], [-9984, -9920, -9984]], (0,))
    far = [[16384.125, 16384, 16389.5], [-20.1, -3.3, -20.7]]
    yield "float32", _grid(nearest(far, "float32"))
    yield "float64", _grid([[1e6 + 0.1, 1e6, 1e6 - 3.3]])


def underflow() -> Iterator[tuple[str, Inputs]]:
    """Confidently right: results near and below the smallest normal number."""
    yield "bfloat16", _grid(_apart([60, 80, 86, 100, 128, 350, 700, 720, 752]), (0,))
    yield "float32", _grid(nearest(_apart([30.03, 87.33654]), "float32"), (0,))
    yield "float64", _grid(_apart([708.39, 744.44]), (0,))


def dead_gradient() -> Iterator[tuple[str, Inputs]]:
    """Confidently wrong: the gradient must be as large as it gets."""
    gaps = [4, 6, 10, 16, 20, 30, 50, 100, 200, 1000]
    yield "bfloat16", _grid(np.roll(_apart(gaps), 1, axis=-1), (2,))


def soft_label() -> Iterator[tuple[str, Inputs]]:
    """Probabilities, among them one-hot ones and some next to both ends."""
    rows = [[2, 0, -1], [-104, 0.5, 17], [1, 1, 1], [5, -20, 5]]
    near = 2.0**-8
    labels = [
        [0.5, 0.25, 0.25],
        [0.125, 0.75, 0.125],
        [0, 1, 0],
        [1 - near, 0, near],
    ]
    yield "bfloat16", _soft_grid(rows, labels)
    labels = [[0.1, 0.7, 0.2], [1 - 2.0**-24, 2.0**-24, 1e-30]]
    yield "float32", _soft_grid([[-17.25, 2, 1]], nearest(labels, "float32"))
    labels = [[0.1, 0.7, 0.2], [1e-300, 2.0**-53, 1 - 2.0**-53]]
    yield "float64", _soft_grid([[-37.1, 2, 1]], labels)


def nan_policy() -> Iterator[tuple[str, Inputs]]:
    """Infinities give limits where there is one, NaN stays in its example."""
    rows = [
        [INF, 0, 1],
        [1, -INF, 0],
        [-INF, 0, -INF],
        [-INF, 2, INF],
        [0, NAN, 1],
        [NAN, INF, 0],
        [1.5, 0, -1],
    ]
    yield "bfloat16", _grid(rows)


def param_edge() -> Iterator[tuple[str, Inputs]]:
    """Few points, for many settings."""
    yield "bfloat16", _grid([[-40, 0, 3], [0.5, 0, -0.5]])


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


def _group(
    family: str,
    chosen: Setting,
    inputs: Inputs,
    variant: str = "",
    exact_in: str = "bfloat16",
    policy: str = "value",
) -> GroupSpec:
    """A group whose labels are indices unless they have the class axis."""
    soft = inputs["labels"].ndim == inputs["logits"].ndim
    return GroupSpec(
        family,
        chosen,
        inputs,
        exact_in,
        variant,
        kinds={} if soft else INDEX,
        rows=("logits", "labels") if soft else ("logits",),
        policy=policy,
    )


def _classes(chosen: Setting) -> Iterator[GroupSpec]:
    """PARAM_EDGE: other numbers of classes, from one to five."""
    rows = {
        1: [[-3.0], [0.0], [9984.0]],
        2: [[-2.0, 1.5], [20.0, 0.0], [0.0, 0.0]],
        5: [[0.5, -1, 3, 3, -40], [8, 0, -8, 16, 2]],
    }
    for classes, logits in rows.items():
        inputs = _grid(logits, range(classes))
        yield _group("param_edge", chosen, inputs, f"classes={classes}")


def _axes(settings: tuple[Setting, ...], *, soft: bool) -> Iterator[GroupSpec]:
    """WEIGHTING: class weights along every axis, also of a square."""
    for chosen in settings:
        axis = chosen.params.get("class_axis", -1)
        shape = [2, 2, 2]
        shape[axis] = 3
        # Along the wrong axis of a square the weights fit, but are wrong.
        for variant, size in (("", shape), ("square", [3, 3])):
            if variant and axis != 0:
                continue
            n = int(np.prod(size))
            # Unequal steps, so that no two classes see the same logits.
            logits = nearest(np.linspace(-7.5, 8.25, n), "bfloat16").reshape(size)
            rest = np.delete(size, axis)
            labels = np.resize([1.0, 2.0, 0.0, 2.0], rest)
            yield _group(
                "weighting", chosen, {"logits": logits, "labels": labels}, variant
            )
            if soft:
                vectors = [[0.5, 0.25, 0.25], [0.0, 0.125, 0.875], [0.0, 1.0, 0.0]]
                labels = np.moveaxis(np.resize(vectors, (*rest, 3)), -1, axis)
                yield _group(
                    "weighting",
                    chosen,
                    {"logits": logits, "labels": labels},
                    ";".join(p for p in (variant, "soft") if p),
                )


def _weighted(settings: tuple[Setting, ...]) -> Iterator[GroupSpec]:
    """WEIGHTING: sample weights, zero included."""
    for chosen in settings:
        inputs = _grid([[-11, 0, 2.5], [-3.5, -1.25, 14], [0.75, 0.5, -2]])
        weights = np.resize([0.0, 0.25, 1.0, 3.0, 20.0], len(inputs["labels"]))
        inputs["sample_weight"] = weights
        yield _group("weighting", chosen, inputs, "sample_weight")


def _ignored(settings: tuple[Setting, ...], *, weighted: bool) -> Iterator[GroupSpec]:
    """IGNORE and EMPTY: rows that are as if they were not there."""
    rows = [[2, 0, -1], [NAN, 0, 1], [0.5, -3, 4], [INF, INF, -INF], [1, 1, -8]]
    logits = np.concatenate([rows, np.roll(rows, 1, axis=-1)])
    for chosen in settings:
        out = float(chosen.params.get("ignore_index", -100))
        own = [label for label in (0.0, 1.0, 2.0) if label != out]
        kept = [own[0], out, own[1], out, own[-1], own[1], out, out, out, own[0]]
        inputs = {"logits": logits, "labels": np.array(kept)}
        yield _group("ignore", chosen, inputs)
        if weighted and chosen is settings[0]:
            odd = np.resize([NAN, -1.0, INF], len(kept))
            weights = np.where(np.array(kept) == out, odd, 0.5)
            weighed = {**inputs, "sample_weight": weights}
            yield _group("ignore", chosen, weighed, "sample_weight")
        yield _group(
            "empty", chosen, {"logits": logits, "labels": np.full(10, out)}, "ignored"
        )


def _soft_limits(chosen: Setting) -> Iterator[GroupSpec]:
    """NAN_POLICY: what is infinitely unlikely costs nothing where its label is 0."""
    rows = [[INF, 0, 1], [1, -INF, 0], [0, NAN, 1]]
    inputs = _soft_grid(rows, [[1, 0, 0], [0.5, 0, 0.5], [0.25, 0.5, 0.25]])
    yield _group("nan_policy", chosen, inputs, "soft")


def _one_class(settings: tuple[Setting, ...]) -> Iterator[GroupSpec]:
    """ONE_CLASS: every label the same, and a weight for that class."""
    rows = [[-30, 2, 0], [6, 0.5, -1], [0, 0, 9], [-2, -2, 3]]
    for chosen in settings:
        for label in (0, 2):
            inputs = _grid(rows, (label,))
            yield _group("one_class", chosen, inputs, f"labels={label}")


def _bad(
    usual: Setting, settings: tuple[Setting, ...], *, soft: bool
) -> Iterator[GroupSpec]:
    """BAD_INPUT: never a plausible number, never a wrapped index."""
    rows = [[2, 0, -1], [-4, 1, 0.5]]

    def group(chosen: Setting, inputs: Inputs, variant: str = "") -> GroupSpec:
        return _group("bad_input", chosen, inputs, variant, policy="bad_value")

    yield group(usual, _grid(rows, (-1, 3, 255, -101)), "labels")
    if soft:
        yield group(setting(ignore_index=-1), _grid(rows, (-100, -2)), "labels")
        bad = [
            [-0.25, 1.25, 0],
            [2, 0, 0],
            [NAN, 0, 1],
            [0, INF, 0],
            [0, 1, -(2.0**-8)],
        ]
        yield group(usual, _soft_grid(rows, bad), "probabilities")
        inputs = _grid(rows)
        inputs["sample_weight"] = np.resize([-1.0, NAN, INF], len(inputs["labels"]))
        yield group(usual, inputs, "sample_weight")
    for chosen in settings:
        yield group(chosen, _grid(rows))


ROWS = [
    [-7, 2, 0.5],
    [3.5, 0, -1],
    [0.25, -0.75, 1],
    [0, 0, 0],
    [12, -16, 5],
    [-2.5, -4, 9],
    [1, 1.5, -3],
]


@dataclass(frozen=True)
class SoftmaxCases:
    """Points of one loss on rows of logits.

    Attributes:
        grids: Settings tried by each family of plain points.
        classes: Setting for other numbers of classes.
        axes: Settings with one weight per class and a class axis.
        ignored: Settings tried with rows that are left out.
        one_class: Settings tried with batches of a single class.
        sums: Settings of the reductions.
        bad_settings: Settings out of range.
        weighted: Settings tried with sample weights.
        soft_sums: Settings of reductions with probabilities for labels.
        soft: Whether labels may be probabilities and examples have weights.
    """

    grids: Mapping[str, tuple[Setting, ...]]
    classes: Setting
    axes: tuple[Setting, ...]
    ignored: tuple[Setting, ...]
    one_class: tuple[Setting, ...]
    sums: tuple[Setting, ...]
    bad_settings: tuple[Setting, ...]
    weighted: tuple[Setting, ...] = ()
    soft_sums: tuple[Setting, ...] = ()
    soft: bool = field(default=False, kw_only=True)

    def groups(self) -> Iterator[GroupSpec]:
        """Yields every group of points."""
        for family, settings in self.grids.items():
            for chosen in settings:
                for exact_in, inputs in FAMILIES[family]():
                    yield _group(family, chosen, inputs, exact_in=exact_in)
        yield from _classes(self.classes)
        yield from _axes(self.axes, soft=self.soft)
        yield from _weighted(self.weighted)
        yield from _ignored(self.ignored, weighted=self.soft)
        yield from _one_class(self.one_class)
        if self.soft:
            yield from _soft_limits(setting())
        yield from _bad(self.grids["basic"][0], self.bad_settings, soft=self.soft)

    def sum_cases(self) -> Iterator[SumSpec]:
        """Yields every reduction."""
        labels = np.array([0.0, 0.0, 2.0, 1.0, -100.0, 1.0, 2.0])
        usual = {"logits": np.array(ROWS), "labels": labels}
        # From 1e-30 to 1e4, small ones before, between and after the large.
        lopsided = _grid(_apart([69, -9984, 34, -104, 50, -7, 20, 61, 3]), (0,))
        lopsided["labels"][2] = -100.0
        if self.soft:
            usual["sample_weight"] = np.array([1.0, 0.5, 3.0, 1.0, 2.0, 0.0, 5.0])
            lopsided["sample_weight"] = np.resize([1.0, 2.0, 0.5], 9)
        points = Points("reduction", self.sums[0], usual, kinds=INDEX, rows=("logits",))
        yield from reductions(points, self.sums, lopsided)
        nobody = {**usual, "labels": np.full(len(ROWS), -100.0)}
        for size in (7, 1023):
            yield SumSpec(
                "empty",
                self.sums[0],
                nobody,
                variant="ignored",
                kinds=INDEX,
                rows=("logits",),
                tile=size,
            )
        yield from self._soft_sums()

    def _soft_sums(self) -> Iterator[SumSpec]:
        vectors = [[0.5, 0.25, 0.25], [0.0, 0.125, 0.875], [0.0, 1.0, 0.0]]
        soft = np.resize(vectors, (len(ROWS), 3))
        inputs = {"logits": np.array(ROWS), "labels": soft}
        for chosen in self.soft_sums:
            for size in (7, 1023, 70001):
                yield SumSpec(
                    "reduction",
                    chosen,
                    inputs,
                    variant="soft",
                    rows=("logits", "labels"),
                    tile=size,
                )
