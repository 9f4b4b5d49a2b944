"""Records of the losses on a softmax over classes."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.families import SoftmaxCases, setting
from conformance.registry._general import (
    LEARNED,
    REDUCED,
    means_another,
    nonnegative,
    out_of_range,
    share,
)
from conformance.registry._operation import Operation, Rule

# Unlike, and that of the first class 1: no weight above 1 where results underflow.
WEIGHTS = [1.0, 2.0, 5.0]


def _margin(point: Mapping[str, Any]) -> float:
    """Logit of the labelled class over the largest other; 0 for soft labels."""
    x, y = point["logits"], point["labels"]
    if isinstance(y, list) or not 0 <= y < len(x) or len(x) == 1:
        return 0.0
    label = int(y)
    return x[label] - max(v for k, v in enumerate(x) if k != label)


def _ignored(point: Mapping[str, Any]) -> bool:
    return point["labels"] == point["ignore_index"]


def _bad_label(point: Mapping[str, Any]) -> bool:
    x, y = point["logits"], point["labels"]
    if isinstance(y, list):
        return not all(0 <= v <= 1 for v in y)
    return not 0 <= y < len(x) and not _ignored(point)


def _infinite(point: Mapping[str, Any]) -> bool:
    return any(math.isinf(x) for x in point["logits"])


def _of_a_mean(point: Mapping[str, Any]) -> bool:
    return point["output"] in ("mean", "normalizer")


_COMMON_FLAGS: dict[str, Rule] = {
    "infinite-logit": _infinite,
    "bad-label": _bad_label,
    "softmax-tail": lambda p: _margin(p) >= 12,
    "class-axis": lambda p: p["per_class"] or p.get("class_axis", -1) >= 0,
    "ignored-row": _ignored,
    "mean-denominator": lambda p: "tile" in p and p["class_weights"] is not None,
    "single-class": lambda p: len(p["logits"]) == 1,
    "half-precision": lambda p: p["family"] == "basic" and 12 in p["logits"],
    "nan-element": lambda p: (
        p["family"] == "nan_policy" and any(math.isnan(x) for x in p["logits"])
    ),
    "traced-parameter": lambda p: p["family"] == "param_edge" and -40 in p["logits"],
    "unknown-option": lambda p: p["normalizer"] == "mean" or p["smoothing"] == "none",
    **REDUCED,
    **LEARNED,
}

_CROSS_ENTROPY = Operation(
    name="cross_entropy",
    clauses={
        "CE-1": "value: weighted, smoothed target times -log p of every class",
        "CE-2": "gradient: closed form, relative accuracy in the confident tail",
        "CE-3": "smoothing over all classes or over the others; mass takes the weight "
        "of the class it lands on",
        "CE-4": "one-hot probabilities and class indices agree, also in the normalizer",
        "CE-5": "ignored examples are as if they were not there",
        "CE-6": "gradients of labels, weights and smoothing",
        "CE-7": "infinite logits give the limit where there is one; one class gives 0",
    },
    array_arguments=(
        "logits",
        "labels",
        "sample_weight",
        "class_weights",
        "label_smoothing",
    ),
    hyperparameters={
        "label_smoothing": (0.0, 0.1, 0.125, 0.5, 0.9),
        "smoothing": ("uniform", "off_target"),
        "ignore_index": (-100, 1, 255),
        "normalizer": ("weights", "count"),
    },
    amplification=(
        "1 + distance from the largest logit, for every exponential; logarithms and "
        "sums none beyond that of their terms"
    ),
    form="rowwise",
    static=("ignore_index",),
    mean_over="normalizer",
    cases=SoftmaxCases(
        grids={
            "basic": (
                setting(),
                setting(class_weights=WEIGHTS),
                setting(class_weights=WEIGHTS, label_smoothing=0.1),
                setting(
                    class_weights=WEIGHTS, label_smoothing=0.1, smoothing="off_target"
                ),
            ),
            "kink": (setting(), setting(class_weights=WEIGHTS, label_smoothing=0.1)),
            "saturation": (setting(), setting(label_smoothing=0.1)),
            "cancellation": (setting(), setting(class_weights=WEIGHTS)),
            "underflow": (setting(),),
            "dead_gradient": (
                setting(),
                setting(class_weights=WEIGHTS, label_smoothing=0.1),
            ),
            "param_edge": (
                setting(class_weights=[0.0, 1.0, 2.0]),
                setting(class_weights=[100.0, 1.0, 0.25]),
                setting(label_smoothing=0.5),
                setting(label_smoothing=0.9),
                setting(label_smoothing=0.5, smoothing="off_target"),
                setting(
                    class_weights=[0.25, 3.0, 1.0],
                    label_smoothing=0.9,
                    smoothing="off_target",
                ),
            ),
            "soft_label": (
                setting(),
                setting(class_weights=WEIGHTS),
                setting(
                    class_weights=WEIGHTS, label_smoothing=0.1, smoothing="off_target"
                ),
            ),
            "nan_policy": (
                setting(),
                setting(class_weights=WEIGHTS, label_smoothing=0.1),
            ),
        },
        classes=setting(label_smoothing=0.1),
        axes=(
            setting(class_weights=WEIGHTS),
            setting(class_weights=WEIGHTS, class_axis=0),
            setting(class_weights=WEIGHTS, class_axis=1, label_smoothing=0.1),
        ),
        ignored=(
            setting(class_weights=WEIGHTS, label_smoothing=0.1),
            setting(ignore_index=1),
            setting(ignore_index=255),
        ),
        one_class=(setting(class_weights=WEIGHTS),),
        sums=(
            setting(),
            setting(class_weights=WEIGHTS),
            # Not 0.1, which narrow dtypes would round.
            setting(class_weights=WEIGHTS, label_smoothing=np.array(0.125)),
            setting(
                class_weights=WEIGHTS,
                label_smoothing=np.array(0.125),
                smoothing="off_target",
                normalizer="count",
            ),
        ),
        soft_sums=(
            setting(class_weights=WEIGHTS, label_smoothing=0.125),
            setting(class_weights=WEIGHTS, normalizer="count"),
        ),
        weighted=(setting(class_weights=WEIGHTS, label_smoothing=0.1),),
        bad_settings=(
            setting(class_weights=[-1.0, 1.0, 1.0]),
            setting(class_weights=[1.0, np.nan, 1.0]),
            setting(class_weights=[1.0, 1.0, np.inf]),
            setting(label_smoothing=1.0),
            setting(label_smoothing=-0.1),
            setting(smoothing="none"),
            setting(normalizer="mean"),
        ),
        soft=True,
    ),
    flags={
        **_COMMON_FLAGS,
        "smoothed-weights": lambda p: (
            p["label_smoothing"] > 0 and p["family"] == "weighting"
        ),
        "smoothing-others": lambda p: (
            p["label_smoothing"] > 0 and p["family"] == "basic"
        ),
        "soft-denominator": lambda p: "tile" in p and isinstance(p["labels"], list),
        "zero-weight": lambda p: p["family"] == "weighting" and p["sample_weight"] == 0,
        "label-gradient": lambda p: (
            p["family"] == "soft_label" and p["labels"] == [0, 1, 0]
        ),
        "bad-parameter": out_of_range(sample_weight=nonnegative, label_smoothing=share),
    },
    answers={"value": "CE-1", "grad_logits": "CE-2", "": "CE-6"},
    topics={
        "CE-5": lambda p: _ignored(p) and p["family"] in ("ignore", "empty"),
        "CE-7": lambda p: _infinite(p) or len(p["logits"]) == 1,
        "CE-4": _of_a_mean,
        "CE-3": lambda p: p["label_smoothing"] > 0 and means_another(p),
    },
)

_FOCAL = Operation(
    name="softmax_focal_loss",
    clauses={
        "SFL-1": "value: (1-p)^gamma times the weighted -log p of the labelled class",
        "SFL-2": "gradient: closed form, finite for every gamma >= 0",
        "SFL-3": "ignored examples, infinite logits and normalizers as in CE-4 to CE-7",
        "SFL-4": "gradients of class weights and gamma",
    },
    array_arguments=("logits", "class_weights", "gamma"),
    hyperparameters={
        "gamma": (2.0, 0.0, 0.5, 1.0, 1.5, 5.0),
        "ignore_index": (-100, 1, 255),
        "normalizer": ("count", "weights"),
    },
    amplification=(
        "m = margin over the others: |m| (gamma p + q / zeta(-m)) + gamma zeta(m)"
    ),
    form="rowwise",
    static=("ignore_index",),
    mean_over="normalizer",
    cases=SoftmaxCases(
        grids={
            "basic": (
                setting(),
                setting(gamma=0.5),
                setting(gamma=2.0, class_weights=WEIGHTS),
                setting(gamma=1.0, class_weights=WEIGHTS),
            ),
            "kink": (setting(), setting(gamma=0.5, class_weights=WEIGHTS)),
            "saturation": (setting(), setting(gamma=0.5), setting(gamma=0.0)),
            "cancellation": (setting(), setting(gamma=0.5)),
            "underflow": (setting(), setting(gamma=0.5)),
            "dead_gradient": (
                setting(),
                setting(gamma=5.0),
                setting(gamma=0.5, class_weights=WEIGHTS),
            ),
            "param_edge": (
                *(setting(gamma=g) for g in (0.0, 0.5, 1.0, 1.5, 2.0, 5.0)),
                setting(gamma=2.0, class_weights=[0.0, 1.0, 2.0]),
                setting(gamma=1.5, class_weights=[100.0, 1.0, 0.25]),
            ),
            "nan_policy": (
                setting(),
                setting(gamma=0.0),
                setting(gamma=0.5, class_weights=WEIGHTS),
            ),
        },
        classes=setting(gamma=1.5),
        axes=(
            setting(gamma=2.0, class_weights=WEIGHTS),
            setting(gamma=0.5, class_weights=WEIGHTS, class_axis=0),
            setting(gamma=1.0, class_weights=WEIGHTS, class_axis=1),
        ),
        ignored=(
            setting(gamma=2.0, class_weights=WEIGHTS),
            setting(gamma=0.5, ignore_index=1),
            setting(gamma=0.5, ignore_index=255),
        ),
        one_class=(setting(gamma=2.0, class_weights=WEIGHTS),),
        sums=(
            setting(),
            setting(gamma=np.array(2.0), class_weights=WEIGHTS, normalizer="weights"),
            setting(gamma=np.array(0.5), class_weights=WEIGHTS),
        ),
        bad_settings=(
            setting(gamma=-1.0),
            setting(gamma=2.0, class_weights=[-1.0, 1.0, 1.0]),
            setting(gamma=2.0, class_weights=[1.0, np.nan, 1.0]),
            setting(normalizer="mean"),
        ),
    ),
    flags={
        **_COMMON_FLAGS,
        "focal-nan-gradient": lambda p: p["gamma"] < 1 and _margin(p) >= 17,
        "focal-nan-hessian": lambda p: 1 < p["gamma"] < 2 and _margin(p) >= 17,
        "focal-dead-gradient": lambda p: _margin(p) <= -16,
        "bad-parameter": out_of_range(gamma=nonnegative),
    },
    answers={"value": "SFL-1", "grad_logits": "SFL-2", "": "SFL-4"},
    topics={
        "SFL-3": lambda p: (
            _of_a_mean(p)
            or _infinite(p)
            or (_ignored(p) and p["family"] in ("ignore", "empty"))
        ),
    },
)

OPERATIONS = (_CROSS_ENTROPY, _FOCAL)
