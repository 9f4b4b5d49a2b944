"""Records of the element-wise losses on independent logits."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.families import BinaryCases, setting
from conformance.registry._general import (
    LEARNED,
    REDUCED,
    means_another,
    nonnegative,
    out_of_range,
    portion,
    share,
)
from conformance.registry._operation import Operation, Rule


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
    "half-precision": lambda p: p["family"] == "basic" and abs(p["logits"]) == 8,
    "nan-element": lambda p: math.isnan(p["logits"]),
    "label-gradient": lambda p: p["family"] == "param_edge" and abs(p["logits"]) == 40,
    "traced-parameter": lambda p: p["family"] == "param_edge" and p["logits"] == 0.5,
    **REDUCED,
    **LEARNED,
}
_WEIGHTED_FLAGS: dict[str, Rule] = {
    "mean-denominator": lambda p: "tile" in p and p["sample_weight"] != 1,
    "zero-weight": lambda p: p["family"] == "weighting" and p["sample_weight"] == 0,
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
    cases=BinaryCases(
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
    ),
    flags={
        **_COMMON_FLAGS,
        **_WEIGHTED_FLAGS,
        "bce-tail": lambda p: _margin(p) >= 12,
        "log-clamp": lambda p: _margin(p) <= -16,
        "smoothing-modes": lambda p: (
            p["family"] == "basic" and p["label_smoothing"] > 0
        ),
        "softplus-threshold": lambda p: 20 <= abs(p["logits"]) < 37,
        "pos-weight-side": lambda p: (
            p["family"] == "basic" and p["pos_weight"] != 1 and p["labels"] == 0
        ),
        "bad-parameter": out_of_range(
            sample_weight=nonnegative, pos_weight=nonnegative, label_smoothing=share
        ),
    },
    answers={"value": "BCE-1", "grad_logits": "BCE-2", "": "BCE-4"},
    topics={
        "BCE-3": lambda p: p["label_smoothing"] > 0 and means_another(p),
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
    cases=BinaryCases(
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
    ),
    flags={
        **_FOCAL_FLAGS,
        **_WEIGHTED_FLAGS,
        "swapped-alpha": lambda p: p["family"] == "param_edge" and p["alpha"] == 0.25,
        "bad-parameter": out_of_range(
            sample_weight=nonnegative,
            pos_weight=nonnegative,
            gamma=nonnegative,
            alpha=portion,
        ),
    },
    answers={"value": "FOC-1", "grad_logits": "FOC-2", "": "FOC-4"},
    topics={"FOC-3": lambda p: _soft(p) and means_another(p, "grad_logits")},
)

_ADAPTIVE = Operation(
    name="adaptive_bce_with_logits",
    clauses={
        "ADA-1": "value: weighted cross entropy times (1-p_t)^gamma",
        "ADA-2": 'modulator "weighted_loss" takes p_t = exp(-weighted loss)',
        "ADA-3": "gradient: closed form, finite for every gamma >= 0",
        "ADA-4": "gradients of labels, pos_weight and gamma",
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
    cases=BinaryCases(
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
            setting(
                pos_weight=np.array(5.0), gamma=np.array(2.0), modulator="probability"
            ),
            setting(
                pos_weight=np.array(0.5), gamma=np.array(0.5), modulator="weighted_loss"
            ),
        ),
        bad_settings=(
            setting(pos_weight=-1.0),
            setting(pos_weight=np.array(np.nan)),
            setting(pos_weight=5.0, gamma=-1.0),
        ),
        sample_weight=False,
    ),
    flags={
        **_FOCAL_FLAGS,
        "modulator-mix-up": lambda p: p["family"] == "basic",
        "bad-parameter": out_of_range(pos_weight=nonnegative, gamma=nonnegative),
    },
    answers={"value": "ADA-1", "grad_logits": "ADA-3", "": "ADA-4"},
    topics={
        "ADA-2": lambda p: p["modulator"] == "weighted_loss" and means_another(p),
    },
)

OPERATIONS = (_BCE, _FOCAL, _ADAPTIVE)
