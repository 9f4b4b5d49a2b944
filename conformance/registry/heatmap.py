"""Record of the focal loss on heat maps."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.families import HeatmapCases, setting
from conformance.registry._general import (
    LEARNED,
    REDUCED,
    nonnegative,
    out_of_range,
)
from conformance.registry._operation import Operation


def _missed_peak(point: Mapping[str, Any]) -> bool:
    return point["heatmap"] == 1 and point["logits"] <= -9.25


_HEATMAP = Operation(
    name="heatmap_focal_loss",
    clauses={
        "HEAT-1": "value: focal loss of peaks, discounted by (1-h)^beta elsewhere",
        "HEAT-2": "gradient: closed form from logits, no clamp",
        "HEAT-3": "the mean is over the peaks, or over 1 where there is none",
        "HEAT-4": "gradients of heat map, alpha and beta",
    },
    array_arguments=("logits", "heatmap", "alpha", "beta"),
    hyperparameters={
        "alpha": (2.0, 0.0, 0.5, 1.0, 1.5, 5.0),
        "beta": (4.0, 0.0, 0.5, 1.0, 2.0, 6.0),
    },
    amplification="1 + |x| + alpha zeta(m) + beta (1/2 - log(1-h))",
    positional=("logits", "heatmap"),
    mean_over="normalizer",
    cases=HeatmapCases(
        grids={
            "basic": (
                setting(),
                setting(alpha=0.5, beta=2.0),
            ),
            "kink": (setting(), setting(alpha=0.5, beta=2.0)),
            "saturation": (setting(), setting(alpha=0.5, beta=1.0)),
            "cancellation": (setting(),),
            "underflow": (setting(), setting(alpha=0.5, beta=1.0)),
            "dead_gradient": (setting(), setting(alpha=0.5, beta=1.0)),
            "param_edge": (
                *(setting(alpha=a) for a in (0.0, 0.5, 1.0, 1.5, 5.0)),
                *(setting(beta=b) for b in (0.0, 0.5, 1.0, 6.0)),
                setting(alpha=0.0, beta=0.0),
            ),
            "soft_label": (setting(), setting(alpha=1.0, beta=0.5)),
            "nan_policy": (setting(), setting(alpha=0.0, beta=1.0)),
        },
        masked=(setting(), setting(alpha=0.5, beta=2.0)),
        one_class=(setting(),),
        sums=(
            setting(),
            setting(alpha=np.array(0.5), beta=np.array(2.0)),
        ),
        bad_settings=(
            setting(alpha=-1.0),
            setting(beta=-1.0),
            setting(alpha=np.array(np.nan)),
            setting(beta=np.array(-1.0)),
        ),
    ),
    flags={
        "infinite-logit": lambda p: abs(p["logits"]) == float("inf"),
        "bad-heatmap": lambda p: not 0 <= p["heatmap"] <= 1,
        "heatmap-clamp": _missed_peak,
        "no-peak": lambda p: p["family"] == "empty" and "tile" in p,
        "heat-over-pixels": lambda p: p.get("tile") == 7,
        "near-peak": lambda p: 1 - 2.0**-8 <= p["heatmap"] < 1,
        "label-gradient": lambda p: p["family"] == "param_edge" and p["logits"] == -3,
        "traced-parameter": lambda p: p["family"] == "param_edge" and p["logits"] == 3,
        "half-precision": lambda p: p["family"] == "basic" and abs(p["logits"]) == 8,
        "nan-element": lambda p: math.isnan(p["logits"]),
        "bad-parameter": out_of_range(alpha=nonnegative, beta=nonnegative),
        **REDUCED,
        **LEARNED,
        "focal-nan-gradient": lambda p: (
            p["alpha"] < 1 and abs(p["logits"]) >= 17 and p["family"] == "saturation"
        ),
    },
    answers={"value": "HEAT-1", "grad_logits": "HEAT-2", "": "HEAT-4"},
    topics={
        "HEAT-3": lambda p: (
            p["output"] in ("mean", "normalizer") or p["family"] == "empty"
        ),
    },
)

OPERATIONS = (_HEATMAP,)
