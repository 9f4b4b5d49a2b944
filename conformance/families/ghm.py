"""Points of gradient harmonising, where the elements of a call weigh each other.

All calls have the same number of elements, since frameworks compile one function for
each. No norm lies within 8 ulp of the edge of a bin unless it lies on it exactly: a
test watches that, with the oracle's norms.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from conformance.families._spec import (
    Array,
    GroupSpec,
    Inputs,
    Points,
    Setting,
    SumSpec,
    draw,
    nearest,
    reductions,
    setting,
    signed,
)

NAN, INF = np.nan, np.inf
SIZE = 24
MASK = {"sample_mask": "mask"}
STATE = {"state_updates": "index"}

# Unlike counts and ages for eight bins: never seen, seen once, and long since.
COUNTS = [3.0, 0.0, 12.0, 1.5, 0.25, 7.0, 40.0, 0.0]
UPDATES = [1.0, 0.0, 4.0, 2.0, 1.0, 7.0, 50.0, 0.0]


def aged(**arguments: Any) -> Setting:
    """A setting with a state over eight bins."""
    return setting(bins=8, **arguments, state_counts=COUNTS, state_updates=UPDATES)


def _kinds(chosen: Setting, inputs: Inputs) -> dict[str, str]:
    every = {**MASK, **STATE}
    return {k: v for k, v in every.items() if k in inputs or k in chosen.arrays}


def _group(
    family: str,
    chosen: Setting,
    inputs: Inputs,
    variant: str = "",
    exact_in: str = "bfloat16",
    policy: str = "value",
) -> GroupSpec:
    kinds = _kinds(chosen, inputs)
    return GroupSpec(
        family, chosen, inputs, exact_in, variant, kinds=kinds, policy=policy
    )


def _hard(logits: ArrayLike) -> Inputs:
    """Every logit with both labels, filled up with ordinary ones."""
    x = np.asarray(logits, dtype=np.float64)
    filler = [-1.5, 0.25, 2.75, -3.5, 0.75, -0.625, 4.5, -5.5, 1.25, -2.25, 6.5]
    x = np.concatenate([x, filler])[: SIZE // 2]
    return {"logits": np.repeat(x, 2), "labels": np.tile([0.0, 1.0], SIZE // 2)}


def _soft(logits: ArrayLike, labels: ArrayLike) -> Inputs:
    x, y = np.meshgrid(np.asarray(logits, float), np.asarray(labels, float))
    return {"logits": x.ravel(), "labels": y.ravel()}


ORDINARY = [-6.0, -3.0, -2.5, -1.25, -0.75, -0.5, 0.5, 1.0, 1.75, 3.25, 5.0, 8.0]
# Norms of x = 0 are exact, as are those of infinite logits: 0 and 1.
_EDGE_LABELS = np.arange(9) / 8
EDGES: Inputs = {
    "logits": np.array([*[0.0] * 9, INF, INF, -INF, -INF, *ORDINARY[:11]]),
    "labels": np.array([*_EDGE_LABELS, 0, 1, 0, 1, *np.resize([0.0, 1.0, 1.0], 11)]),
}


def _classification() -> Iterator[tuple[str, str, Inputs]]:
    """Families of points that are tried with several settings."""
    yield "basic", "bfloat16", _hard(ORDINARY)
    yield "basic", "float32", _hard(draw(37, 12, -5.0, 5.0, "float32"))
    yield "basic", "float64", _hard(draw(69, 12, -5.0, 5.0, "float64"))
    far = np.array([17, -37, 89, -104, 704, -712, 744, -748, 9984])
    yield "saturation", "bfloat16", _hard(far)
    yield "saturation", "float32", _hard(signed(710, 746, 1e4))
    yield "cancellation", "bfloat16", _hard([6, -9, 10, -11, 13, -14, 15, -16, 25])
    yield "underflow", "bfloat16", _hard([60, 80, -100, 128, -350, 720, 1000])
    heights = nearest([0.1, 0.3, 0.625, 0.96875], "bfloat16")
    yield "soft_label", "bfloat16", _soft([-17, -2, -0.5, 0.75, 1.5, 5], heights)
    yield "soft_label", "float64", _soft([-37.1, -2, 1, 37.1], np.arange(1, 7) / 7.3)
    yield "nan_policy", "bfloat16", _hard([NAN, INF, -INF, 2.0])


def _wrong() -> Inputs:
    """Confidently wrong: a bin of large losses."""
    margins = [4, 6, 10, 16, 20, 30, 50, 100, 200, 1000, 2, 1]
    x = np.repeat(np.asarray(margins, float), 2)
    labels = np.tile([0.0, 1.0], SIZE // 2)
    return {"logits": np.where(labels == 1, -x, x), "labels": labels}


def _masked(inputs: Inputs) -> Inputs:
    """Leaves out elements, among them what is not finite."""
    first, second = inputs
    mask = np.resize([1.0, 0.0, 1.0, 1.0, 0.0], SIZE)
    scores = inputs[first].copy()
    scores[np.flatnonzero(mask == 0)[:4]] = [NAN, INF, -INF, NAN]
    return {first: scores, second: inputs[second], "sample_mask": mask}


def _common(
    inputs: Inputs, settings: tuple[Setting, ...], states: tuple[Setting, ...]
) -> Iterator[GroupSpec]:
    """PARAM_EDGE, IGNORE, EMPTY and shapes: the same for both losses."""
    for chosen in (*settings, *states):
        yield _group("param_edge", chosen, inputs)
    yield _group("ignore", setting(), _masked(inputs))
    yield _group("ignore", states[0], _masked(inputs))
    nobody = {**_masked(inputs), "sample_mask": np.zeros(SIZE)}
    yield _group("empty", setting(), nobody, "masked")
    yield _group("empty", states[0], nobody, "masked")
    solid = {name: values.reshape(2, 3, 4) for name, values in inputs.items()}
    yield _group("weighting", setting(), solid, "3-d")


def _repeated(norms: Array, inputs: Inputs) -> Iterator[GroupSpec]:
    """PARAM_EDGE: the same call again and again, from the state it has left."""
    bins, momentum = 8, 0.75
    places = np.minimum(np.floor(norms * bins), bins - 1).astype(int)
    counts = np.bincount(places, minlength=bins).astype(np.float64)
    for seen, debias in ((1, False), (2, False), (3, False), (3, True)):
        chosen = setting(
            bins=bins,
            momentum=momentum,
            debias=debias,
            state_counts=counts * (1 - momentum**seen),
            state_updates=np.where(counts > 0, float(seen), 0.0),
        )
        yield _group("param_edge", chosen, inputs, f"call={seen + 1}")


def _bad_settings(inputs: Inputs, more: tuple[Setting, ...]) -> Iterator[GroupSpec]:
    """BAD_INPUT: hyper-parameters out of range."""
    few = {name: values[:4] for name, values in inputs.items()}
    for chosen in (
        setting(bins=0),
        setting(momentum=1.0),
        setting(momentum=-0.5),
        setting(average_over="all"),
        *more,
    ):
        yield _group("bad_input", chosen, few, policy="bad_value")


@dataclass(frozen=True)
class ClassificationCases:
    """Points of the classification loss.

    Attributes:
        usual: Settings tried by every family.
        edges: Settings for norms on the edges of bins.
        settings: Further settings.
        states: Settings with a state.
        sums: Settings of the reductions.
    """

    usual: tuple[Setting, ...]
    edges: tuple[Setting, ...]
    settings: tuple[Setting, ...]
    states: tuple[Setting, ...]
    sums: tuple[Setting, ...]

    def groups(self) -> Iterator[GroupSpec]:
        """Yields every group of points."""
        for family, exact_in, inputs in _classification():
            several = (family, exact_in) == ("basic", "bfloat16")
            for one in self.usual if several else self.usual[:1]:
                yield _group(family, one, inputs, exact_in=exact_in)
        yield _group("dead_gradient", self.usual[0], _wrong())
        for chosen in self.edges:
            yield _group("kink", chosen, EDGES, "edges")
        usual = _hard(ORDINARY)
        yield from _common(usual, self.settings, self.states)
        for label in (0.0, 1.0):
            x = np.concatenate([ORDINARY, nearest(np.array(ORDINARY) / 3, "bfloat16")])
            inputs = {"logits": x, "labels": np.full(SIZE, label)}
            yield _group("one_class", setting(), inputs, f"labels={label:g}")
        norms = 1 / (1 + np.exp(-usual["logits"])) - usual["labels"]
        yield from _repeated(np.abs(norms), usual)
        labels = [-1.0, -(2.0**-8), 1 + 2.0**-7, 2.0, 255.0, -100.0, INF, NAN]
        bad = _soft([-2.0, 1.0], labels)
        yield _group("bad_input", setting(), bad, "labels", policy="bad_value")
        yield from _bad_settings(usual, ())

    def sum_cases(self) -> Iterator[SumSpec]:
        """Yields every reduction."""
        x = [-7.0, 3.5, -0.75, 0.5, 1.5, -16.0, 5.0, -2.5, 12.0, -4.0, 0.25]
        labels = [0.0, 1.0, 0.0, 1.0, 0.25, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
        inputs = {"logits": np.array(x), "labels": np.array(labels)}
        # From 1e-30 to 1e4, small ones before, between and after the large.
        far = np.array([69, -9984, 34, -104, 50, -7, 20, 61, 3, -1.25, 0.5])
        lopsided = {"logits": far, "labels": np.ones(far.size)}
        yield from _sums(self.sums, inputs, lopsided)


def _sums(
    settings: tuple[Setting, ...],
    inputs: Inputs,
    lopsided: Inputs,
    lopsided_in: str = "",
) -> Iterator[SumSpec]:
    """REDUCTION and EMPTY, with masks and where nothing is left."""
    plain = tuple(one for one in settings if not one.arrays)
    points = Points("reduction", plain[0], inputs)
    yield from reductions(points, plain[:1], lopsided, lopsided_in)
    masked = {**inputs, "sample_mask": np.resize([1.0, 1.0, 0.0], 11)}
    for chosen in settings:
        kinds = _kinds(chosen, masked)
        for size in (7, 1023):
            yield SumSpec(
                "reduction", chosen, masked, variant="mask", kinds=kinds, tile=size
            )
    nobody = {**inputs, "sample_mask": np.zeros(11)}
    yield SumSpec("empty", plain[0], nobody, variant="masked", kinds=MASK, tile=1023)


def _differences(differences: ArrayLike, targets: ArrayLike, dtype: str) -> Inputs:
    """Predictions that far from targets, filled up with ordinary differences."""
    d = np.concatenate([np.asarray(differences, float), DIFFERENCES])[:SIZE]
    t = np.resize(np.asarray(targets, float), SIZE)
    return {"predictions": nearest(t + d, dtype), "targets": t}


DIFFERENCES = signed(
    2.0**-9,
    0.005,
    0.0078125,
    0.01,
    0.0140625,
    0.02,
    0.03125,
    0.046875,
    0.0625,
    0.125,
    0.25,
    0.4375,
)


def _regression() -> Iterator[tuple[str, str, Inputs]]:
    few = [0.0, 0.5]
    yield "basic", "bfloat16", _differences([-0.25, 0.5, 1.5, -3.5], few, "bfloat16")
    spread = draw(38, SIZE, -0.1, 0.1, "float32")
    yield "basic", "float32", _differences(spread, [0.0, 1.25, -0.375], "float32")
    spread = draw(70, SIZE, -0.1, 0.1, "float64")
    yield "basic", "float64", _differences(spread, [0.0, 1.25, -0.375], "float64")
    yield "kink", "bfloat16", _differences([0.0, -0.0, 2.0**-14], [0.0], "bfloat16")
    far = signed(1, 17, 104, 748, 9984)
    yield "saturation", "bfloat16", _differences(far, [0.0], "bfloat16")
    yield "saturation", "float32", _differences(signed(1e4, 1e15), [0.0], "float32")
    near = [1024, 512, 256, -128, 64, 8]
    yield "cancellation", "bfloat16", _differences([8, -4, 2], near, "bfloat16")
    near = [1000.1, -3.3, 77.7]
    yield (
        "cancellation",
        "float32",
        _differences([], nearest(near, "float32"), "float32"),
    )
    small = nearest(signed(1e-19, 1e-18, 1e-12, 1e-6), "float32")
    yield "underflow", "float32", _differences(small, [0.0], "float32")
    yield "underflow", "float64", _differences(signed(1e-154, 1e-100), [0.0], "float64")
    yield "nan_policy", "bfloat16", _differences([NAN, INF, -INF], [0.0], "bfloat16")


@dataclass(frozen=True)
class RegressionCases:
    """Points of the regression loss.

    Attributes:
        usual: Settings tried by every family.
        settings: Further settings.
        states: Settings with a state.
        sums: Settings of the reductions.
    """

    usual: tuple[Setting, ...]
    settings: tuple[Setting, ...]
    states: tuple[Setting, ...]
    sums: tuple[Setting, ...]

    def groups(self) -> Iterator[GroupSpec]:
        """Yields every group of points."""
        for family, exact_in, inputs in _regression():
            several = (family, exact_in) == ("basic", "bfloat16")
            for one in self.usual if several else self.usual[:1]:
                yield _group(family, one, inputs, exact_in=exact_in)
        usual = _differences([-0.25, 0.5, 1.5, -3.5], [0.0, 0.5], "bfloat16")
        yield from _common(usual, self.settings, self.states)
        d = usual["predictions"] - usual["targets"]
        yield from _repeated(np.abs(d) / np.hypot(d, 0.02), usual)
        more = (setting(mu=0.0), setting(mu=-1.0), setting(mu=np.array(np.nan)))
        yield from _bad_settings(usual, more)

    def sum_cases(self) -> Iterator[SumSpec]:
        """Yields every reduction."""
        p = [-7.0, 3.5, -0.75, 0.5, 1.5, -16.0, 5.0, -2.5, 0.015625, -0.0078125, 0.25]
        t = [-7.0, 3.0, -0.5, 0.53125, 1.515625, 0.0, 5.0625, -2.5, 0.0, 0.0, 0.25]
        inputs = {"predictions": np.array(p), "targets": np.array(t)}
        # From 1e-30 to 1e4, small ones before, between and after the large.
        far = [2e-16, 9984.0, 1e-8, -104.0, -1e-12, 7.0, 1e-3, -2e-16, 1e-5, 3.0, 0.5]
        lopsided = {"predictions": nearest(far, "float32"), "targets": np.zeros(11)}
        yield from _sums(self.sums, inputs, lopsided, "float32")
