"""Records of the gradient-harmonised losses."""

import math
from collections.abc import Mapping
from typing import Any

from conformance.families import (
    ClassificationCases,
    RegressionCases,
    aged,
    setting,
)
from conformance.registry._general import (
    REDUCED,
    out_of_range,
    positive,
    share,
)
from conformance.registry._operation import Operation, Rule

# Next to 1, where 1 - m**t in floating point has lost all but a few digits.
SLOW = 1 - 2.0**-7

_HYPERPARAMETERS: dict[str, tuple[Any, ...]] = {
    "bins": (10, 1, 2, 4, 8, 30),
    "momentum": (0.0, 0.5, 0.75, 0.875, SLOW),
    "debias": (True, False),
    "average_over": ("nonempty", "bins"),
}
_SETTINGS = (
    setting(bins=1),
    setting(momentum=0.75, debias=False),
    setting(bins=30, momentum=0.875, average_over="bins"),
)
_STATES = (
    aged(momentum=0.5),
    aged(momentum=0.875, average_over="bins"),
    aged(momentum=SLOW),
    aged(),
)
_SUMS = (setting(), setting(momentum=0.75, average_over="bins"), aged(momentum=0.5))


def _biased(point: Mapping[str, Any]) -> bool:
    return point["momentum"] > 0 and point["family"] == "param_edge"


def _averaged(point: Mapping[str, Any]) -> bool:
    return point["momentum"] > 0 or point["output"].startswith("state_")


def _small(point: Mapping[str, Any]) -> bool:
    return 0 < abs(point["predictions"] - point["targets"]) < 1e-4


def _left_out(point: Mapping[str, Any]) -> bool:
    return point["family"] in ("ignore", "empty") or point["sample_mask"] == 0


def _in_the_last_bin(point: Mapping[str, Any]) -> bool:
    """Whether a gradient norm rounds to 1."""
    wrong = abs(point["labels"] - (point["logits"] > 0)) == 1
    return wrong and abs(point["logits"]) > 16


_COMMON_FLAGS: dict[str, Rule] = {
    **REDUCED,
    "unknown-option": lambda p: p["average_over"] == "all",
    "ghm-hidden-state": lambda p: (
        (p["family"], p["bins"], p["momentum"]) == ("param_edge", 8, 0.75)
    ),
    "ghm-first-batch": lambda p: _biased(p) and not p["debias"],
    "ghm-empty-bins": lambda p: (
        p["average_over"] == "bins" and p["family"] in ("basic", "param_edge")
    ),
    "ghm-masked": lambda p: p["family"] == "ignore" and p["sample_mask"] == 0,
}

_CLASSIFICATION = Operation(
    name="ghmc_loss",
    clauses={
        "GHMC-1": "value: cross-entropy over the density of its gradient norm",
        "GHMC-2": "bins of equal width, the last one closed, found in float32 or wider",
        "GHMC-3": "moving average of the counts, explicit state, debiased by 1 - m^t",
        "GHMC-4": "what is masked or NaN does not count",
        "GHMC-5": "norms, bins and weights are constants for the gradients",
    },
    array_arguments=("logits", "labels"),
    hyperparameters=_HYPERPARAMETERS,
    amplification="1 + |x| plus 2 for a weight, 6 for one from an average",
    form="coupled",
    returns="loss_and_state",
    static=("bins",),
    mean_over="normalizer",
    cases=ClassificationCases(
        usual=(setting(), setting(bins=30, average_over="bins")),
        edges=tuple(setting(bins=bins) for bins in (8, 4, 2, 10)),
        settings=_SETTINGS,
        states=_STATES,
        sums=_SUMS,
    ),
    flags={
        **_COMMON_FLAGS,
        "infinite-logit": lambda p: abs(p["logits"]) == float("inf"),
        "bad-label": lambda p: not 0 <= p["labels"] <= 1,
        "ghm-last-bin": _in_the_last_bin,
        "ghm-bin-edge": lambda p: p["family"] == "kink" and p["logits"] == 0,
        "ghm-weight-gradient": lambda p: p["family"] == "dead_gradient",
        "nan-element": lambda p: (
            p["family"] == "nan_policy" and math.isnan(p["logits"])
        ),
        "bad-parameter": out_of_range(bins=positive, momentum=share),
    },
    answers={
        "value": "GHMC-1",
        "normalizer": "GHMC-4",
        "grad_logits": "GHMC-5",
        "": "GHMC-5",
    },
    topics={
        "GHMC-4": _left_out,
        "GHMC-3": _averaged,
        "GHMC-2": lambda p: _in_the_last_bin(p) or p["family"] == "kink",
    },
)

_REGRESSION = Operation(
    name="ghmr_loss",
    clauses={
        "GHMR-1": "value: sqrt(d^2 + mu^2) - mu over the density of its gradient norm",
        "GHMR-2": "relative accuracy for small differences",
        "GHMR-3": "bins, average, state and mask as in GHMC-2 to GHMC-5",
    },
    array_arguments=("predictions", "targets"),
    hyperparameters={"mu": (0.02, 0.5, 4.0), **_HYPERPARAMETERS},
    amplification="4 for the value, 3 for gradients, plus those of the weight",
    positional=("predictions", "targets"),
    form="coupled",
    returns="loss_and_state",
    static=("bins",),
    mean_over="normalizer",
    cases=RegressionCases(
        usual=(setting(), setting(mu=0.5, bins=30, average_over="bins")),
        settings=(*_SETTINGS, setting(mu=4.0)),
        states=_STATES,
        sums=_SUMS,
    ),
    flags={
        **_COMMON_FLAGS,
        "small-difference": _small,
        "ghm-weight-gradient": lambda p: p["family"] == "param_edge" and p["mu"] == 4,
        "nan-element": lambda p: (
            p["family"] == "nan_policy" and math.isnan(p["predictions"])
        ),
        "bad-parameter": out_of_range(bins=positive, momentum=share, mu=positive),
    },
    answers={"value": "GHMR-1", "normalizer": "GHMR-3", "": "GHMR-1"},
    topics={
        "GHMR-3": lambda p: _left_out(p) or _averaged(p),
        "GHMR-2": _small,
    },
)

OPERATIONS = (_CLASSIFICATION, _REGRESSION)
