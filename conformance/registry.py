"""One record per operation; everything downstream is derived from these.

Profiles, command line, report and documentation iterate over ``OPERATIONS``. Only
NumPy and the standard library are needed, so the records can be read anywhere.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance import families
from conformance.families import GroupSpec, Setting, SumSpec, setting

Rule = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Operation:
    """What the suite knows about an operation.

    Attributes:
        name: Name of the function in all three implementations.
        clauses: Clauses of the specification it must satisfy, with their gist.
        array_arguments: Arguments it is differentiable in.
        point_arguments: Those of them that vary from element to element.
        hyperparameters: Keyword arguments that are not arrays, with the values tried.
        amplification: The K of the error model, for readers; the oracle computes it.
        grids: Settings tried by each family of plain points.
        weighted: Settings tried with sample weights.
        per_class: Settings with one ``pos_weight`` per class.
        one_class: Settings tried with batches of a single class.
        sums: Settings of the reductions; arrays in them are scalars.
        bad_settings: Settings out of range.
        flags: Known bugs of other code and the points that catch them.
    """

    name: str
    clauses: Mapping[str, str]
    array_arguments: tuple[str, ...]
    hyperparameters: Mapping[str, tuple[Any, ...]]
    amplification: str
    grids: Mapping[str, tuple[Setting, ...]]
    per_class: tuple[Setting, ...]
    one_class: tuple[Setting, ...]
    sums: tuple[Setting, ...]
    bad_settings: tuple[Setting, ...]
    weighted: tuple[Setting, ...] = ()
    flags: Mapping[str, Rule] = field(default_factory=dict)

    @property
    def point_arguments(self) -> tuple[str, ...]:
        """Differentiable arguments that vary from element to element."""
        every = ("logits", "labels", "sample_weight")
        return tuple(a for a in every if a in self.array_arguments)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs that vectors judge, element by element."""
        return ("value", *(f"grad_{a}" for a in self.point_arguments))

    def groups(self) -> Iterator[GroupSpec]:
        """Yields every group of points."""
        has_weight = "sample_weight" in self.array_arguments
        usual = self.grids["basic"][0]
        yield from families.pointwise(self.grids)
        yield from families.weighted(self.weighted)
        yield from families.per_class(self.per_class)
        yield from families.one_class(self.one_class)
        yield from families.bad_input(
            usual, self.bad_settings, sample_weight=has_weight
        )

    def sum_cases(self) -> Iterator[SumSpec]:
        """Yields every reduction."""
        has_weight = "sample_weight" in self.array_arguments
        yield from families.reductions(self.sums, sample_weight=has_weight)


def _margin(point: Mapping[str, Any]) -> float:
    """Signed margin of a hard label; 0 for soft labels, which have no side."""
    x, y = point["logits"], point["labels"]
    return x if y == 1 else -x if y == 0 else 0.0


def _soft(point: Mapping[str, Any]) -> bool:
    return 0 < point["labels"] < 1


# Rules see one point: its inputs, hyper-parameters, family and, in sums, the tile.
_COMMON_FLAGS: dict[str, Rule] = {
    "kink": lambda p: p["logits"] == 0 and p["family"] == "kink",
    "infinite-logit": lambda p: abs(p["logits"]) == float("inf"),
    "bad-label": lambda p: not 0 <= p["labels"] <= 1,
    "pos-weight-axis": lambda p: p["per_class"],
    "fp16-mean-gradient": lambda p: p.get("tile", 0) > 65504,
}
_WEIGHTED_FLAGS: dict[str, Rule] = {
    "mean-denominator": lambda p: "tile" in p and p["sample_weight"] != 1,
}
_FOCAL_FLAGS: dict[str, Rule] = {
    **_COMMON_FLAGS,
    "focal-nan-gradient": lambda p: p["gamma"] < 1 and _margin(p) >= 17,
    "focal-nan-hessian": lambda p: 1 < p["gamma"] < 2 and _margin(p) >= 17,
    "focal-dead-gradient": lambda p: _margin(p) <= -16,
    "soft-focal-conventions": lambda p: _soft(p) and p["gamma"] > 0,
}

_BCE = Operation(
    name="binary_cross_entropy_with_logits",
    clauses={
        "BCE-1": "value: both softplus terms, pos_weight on the label term alone",
        "BCE-2": "gradient: closed form, relative accuracy in both tails",
        "BCE-3": "label smoothing moves labels towards one half",
        "BCE-4": "gradients of labels, weights and smoothing, finite at labels 0 and 1",
    },
    array_arguments=(
        "logits",
        "labels",
        "sample_weight",
        "pos_weight",
        "label_smoothing",
    ),
    hyperparameters={"label_smoothing": (0.0, 0.1, 0.2, 0.5, 0.9)},
    amplification="1 + |x|",
    grids={
        "basic": (
            setting(),
            setting(pos_weight=3.0),
            setting(label_smoothing=0.1),
            setting(pos_weight=3.0, label_smoothing=0.1),
        ),
        "kink": (setting(), setting(pos_weight=3.0)),
        "saturation": (
            setting(),
            setting(pos_weight=3.0),
            setting(label_smoothing=0.1),
        ),
        "cancellation": (setting(), setting(pos_weight=0.25)),
        "underflow": (setting(), setting(pos_weight=0.5)),
        "dead_gradient": (setting(), setting(pos_weight=3.0)),
        "param_edge": (
            setting(pos_weight=0.0),
            setting(pos_weight=100.0),
            setting(label_smoothing=0.5),
            setting(label_smoothing=0.9),
            setting(pos_weight=0.25, label_smoothing=0.2),
        ),
        "soft_label": (
            setting(),
            setting(pos_weight=3.0),
            setting(label_smoothing=0.1),
        ),
        "nan_policy": (
            setting(),
            setting(pos_weight=3.0),
            setting(label_smoothing=0.1),
        ),
    },
    weighted=(setting(), setting(pos_weight=3.0)),
    per_class=(
        setting(pos_weight=[1.0, 5.0, 20.0]),
        setting(pos_weight=[0.5, 5.0, 20.0], class_axis=0),
        setting(pos_weight=[1.0, 2.5, 10.0], class_axis=1),
    ),
    one_class=(setting(), setting(pos_weight=5.0)),
    sums=(
        setting(),
        setting(pos_weight=np.array(3.0)),
        setting(pos_weight=np.array(0.5), label_smoothing=0.1),
        # Not 0.1, which narrow dtypes would round.
        setting(pos_weight=np.array(3.0), label_smoothing=np.array(0.125)),
    ),
    bad_settings=(
        setting(pos_weight=-1.0),
        setting(pos_weight=np.array(-1.0)),
        setting(pos_weight=np.array(np.nan)),
        setting(label_smoothing=1.0),
        setting(label_smoothing=-0.1),
    ),
    flags={
        **_COMMON_FLAGS,
        **_WEIGHTED_FLAGS,
        "bce-tail": lambda p: _margin(p) >= 12,
        "log-clamp": lambda p: _margin(p) <= -16,
        "smoothing-modes": lambda p: (
            p["family"] == "basic" and p["label_smoothing"] > 0
        ),
    },
)

_FOCAL = Operation(
    name="sigmoid_focal_loss",
    clauses={
        "FOC-1": "value: alpha_t (1-p_t)^gamma times the weighted cross entropy",
        "FOC-2": "gradient: closed form, finite for every gamma >= 0",
        "FOC-3": "soft labels interpolate 1-p_t and alpha_t",
        "FOC-4": "gradients of labels, weights, alpha and gamma",
    },
    array_arguments=(
        "logits",
        "labels",
        "sample_weight",
        "pos_weight",
        "alpha",
        "gamma",
    ),
    hyperparameters={
        "alpha": (None, 0.0, 0.25, 1.0),
        "gamma": (2.0, 0.0, 0.5, 1.0, 1.5, 5.0),
    },
    amplification="1 + |x| - gamma log(1-p_t); hard labels: 1 + |x| + gamma zeta(m)",
    grids={
        "basic": (
            setting(gamma=2.0, alpha=0.25),
            setting(gamma=0.5),
            setting(gamma=2.0, alpha=0.25, pos_weight=3.0),
        ),
        "kink": (setting(gamma=2.0, alpha=0.25), setting(gamma=0.5)),
        "saturation": (
            setting(gamma=2.0),
            setting(gamma=0.5, alpha=0.25),
            setting(gamma=0.0),
        ),
        "cancellation": (setting(gamma=2.0, alpha=0.25),),
        "underflow": (setting(gamma=0.5), setting(gamma=2.0)),
        "dead_gradient": (
            setting(gamma=2.0, alpha=0.25),
            setting(gamma=5.0),
            setting(gamma=0.5, pos_weight=3.0),
        ),
        "param_edge": (
            *(setting(gamma=g) for g in (0.0, 0.5, 1.0, 1.5, 2.0, 5.0)),
            setting(gamma=2.0, alpha=0.0),
            setting(gamma=2.0, alpha=1.0),
            setting(gamma=0.0, alpha=0.0),
            setting(gamma=0.0, alpha=0.25),
            setting(gamma=1.5, alpha=0.25, pos_weight=3.0),
        ),
        "soft_label": (
            setting(gamma=2.0),
            setting(gamma=0.5, alpha=0.25),
            setting(gamma=1.0, pos_weight=3.0),
        ),
        "nan_policy": (
            setting(gamma=0.0),
            setting(gamma=0.5),
            setting(gamma=2.0, alpha=0.25),
            setting(gamma=2.0, alpha=0.0),
            setting(gamma=0.5, alpha=1.0),
            setting(gamma=2.0, pos_weight=3.0),
        ),
    },
    weighted=(setting(gamma=2.0, alpha=0.25), setting(gamma=0.5)),
    per_class=(
        setting(gamma=2.0, pos_weight=[1.0, 5.0, 20.0]),
        setting(gamma=1.0, alpha=0.25, pos_weight=[0.5, 5.0, 20.0], class_axis=0),
        setting(gamma=0.5, pos_weight=[1.0, 2.5, 10.0], class_axis=1),
    ),
    one_class=(setting(gamma=2.0, alpha=0.25), setting(gamma=0.5)),
    sums=(
        setting(),
        setting(gamma=np.array(2.0), alpha=np.array(0.25)),
        setting(gamma=np.array(0.5), pos_weight=np.array(3.0)),
    ),
    bad_settings=(
        setting(gamma=-1.0),
        setting(gamma=2.0, alpha=1.5),
        setting(gamma=2.0, alpha=-0.25),
        setting(gamma=2.0, pos_weight=-1.0),
        setting(gamma=2.0, pos_weight=np.array(np.nan)),
    ),
    flags={**_FOCAL_FLAGS, **_WEIGHTED_FLAGS},
)

_ADAPTIVE = Operation(
    name="adaptive_bce_with_logits",
    clauses={
        "ADA-1": "value: weighted cross entropy times (1-p_t)^gamma",
        "ADA-2": 'modulator "weighted_loss" takes p_t = exp(-weighted loss)',
        "ADA-3": "gradient: closed form, finite for every gamma >= 0",
    },
    array_arguments=("logits", "labels", "pos_weight", "gamma"),
    hyperparameters={
        "gamma": (2.0, 0.0, 0.5, 1.0, 1.5, 5.0),
        "modulator": ("probability", "weighted_loss"),
    },
    amplification=(
        '"probability": as the focal loss; "weighted_loss": 1 + |x| + gamma '
        "max(1, (1+|x|) l/(exp(l)-1), -log(1-exp(-l)))"
    ),
    grids={
        "basic": (
            setting(pos_weight=5.0, gamma=2.0),
            setting(pos_weight=5.0, gamma=2.0, modulator="weighted_loss"),
        ),
        "kink": (
            setting(pos_weight=5.0, gamma=2.0),
            setting(pos_weight=5.0, gamma=0.5, modulator="weighted_loss"),
        ),
        "saturation": (
            setting(pos_weight=3.0, gamma=0.5),
            setting(pos_weight=3.0, gamma=2.0, modulator="weighted_loss"),
        ),
        "cancellation": (
            setting(pos_weight=1.0, gamma=2.0, modulator="weighted_loss"),
        ),
        "underflow": (
            setting(pos_weight=0.5, gamma=0.5),
            # Not below 1: the loss itself underflows before its root is taken.
            setting(pos_weight=0.5, gamma=2.0, modulator="weighted_loss"),
        ),
        "dead_gradient": (
            setting(pos_weight=5.0, gamma=2.0),
            setting(pos_weight=0.25, gamma=0.5),
            setting(pos_weight=5.0, gamma=2.0, modulator="weighted_loss"),
            setting(pos_weight=0.25, gamma=0.5, modulator="weighted_loss"),
        ),
        "param_edge": (
            *(
                setting(pos_weight=5.0, gamma=g, modulator=m)
                for m in ("probability", "weighted_loss")
                for g in (0.0, 0.5, 1.0, 1.5, 5.0)
            ),
            # Not 2: there a result lies near the smallest normal number of float32.
            setting(pos_weight=0.25, gamma=1.0, modulator="probability"),
            setting(pos_weight=0.25, gamma=1.0, modulator="weighted_loss"),
            setting(pos_weight=100.0, gamma=1.0, modulator="probability"),
            setting(pos_weight=100.0, gamma=2.0, modulator="weighted_loss"),
        ),
        "soft_label": (
            setting(pos_weight=5.0, gamma=2.0),
            setting(pos_weight=5.0, gamma=2.0, modulator="weighted_loss"),
            setting(pos_weight=0.5, gamma=0.5, modulator="weighted_loss"),
        ),
        "nan_policy": (
            setting(pos_weight=5.0, gamma=2.0),
            setting(pos_weight=5.0, gamma=0.0, modulator="weighted_loss"),
            setting(pos_weight=5.0, gamma=0.5, modulator="weighted_loss"),
        ),
    },
    per_class=(
        setting(pos_weight=[1.0, 5.0, 20.0], gamma=2.0),
        setting(pos_weight=[1.0, 5.0, 20.0], gamma=2.0, modulator="weighted_loss"),
    ),
    one_class=(setting(pos_weight=5.0, gamma=2.0, modulator="weighted_loss"),),
    sums=(
        setting(pos_weight=np.array(5.0), gamma=2.0),
        setting(pos_weight=np.array(5.0), gamma=2.0, modulator="weighted_loss"),
        setting(pos_weight=np.array(5.0), gamma=np.array(2.0), modulator="probability"),
        setting(
            pos_weight=np.array(0.5), gamma=np.array(0.5), modulator="weighted_loss"
        ),
    ),
    bad_settings=(
        setting(pos_weight=-1.0),
        setting(pos_weight=np.array(np.nan)),
        setting(pos_weight=5.0, gamma=-1.0),
    ),
    flags=_FOCAL_FLAGS,
)

OPERATIONS: dict[str, Operation] = {o.name: o for o in (_BCE, _FOCAL, _ADAPTIVE)}
