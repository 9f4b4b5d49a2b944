"""Record of the binary cross-entropy of probabilities."""

import math

from conformance.families import ProbabilityCases
from conformance.registry._general import REDUCED, nonnegative, out_of_range
from conformance.registry._operation import Operation

_BCE = Operation(
    name="binary_cross_entropy",
    clauses={
        "BCP-1": "value: both logarithms, each clamped at -100",
        "BCP-2": "gradient: that of the value, so none where a logarithm is clamped",
        "BCP-3": "gradients of labels and weights, finite at probabilities 0 and 1",
    },
    array_arguments=("probs", "labels", "sample_weight"),
    hyperparameters={},
    amplification="2",
    positional=("probs", "labels"),
    cases=ProbabilityCases(),
    flags={
        "bad-label": lambda p: not 0 <= p["labels"] <= 1,
        "bad-probability": lambda p: not 0 <= p["probs"] <= 1,
        "log-clamp-gradient": lambda p: (
            (p["probs"] < 1e-12 and p["labels"] > 0)
            or (p["probs"] > 1 - 1e-12 and p["labels"] < 1)
        ),
        "log-clamp": lambda p: (
            (0 < p["probs"] < 1e-7 and p["labels"] == 1)
            or (1 - 1e-7 < p["probs"] < 1 and p["labels"] == 0)
        ),
        "mean-denominator": lambda p: "tile" in p and p["sample_weight"] != 1,
        "zero-weight": lambda p: p["family"] == "weighting" and p["sample_weight"] == 0,
        "half-precision": lambda p: p["family"] == "basic" and p["probs"] == 1 / 32,
        "nan-element": lambda p: math.isnan(p["probs"]),
        "label-gradient": lambda p: p["family"] == "kink" and p["probs"] in (0, 1),
        "bad-parameter": out_of_range(sample_weight=nonnegative),
        **REDUCED,
    },
    answers={"value": "BCP-1", "grad_probs": "BCP-2", "": "BCP-3"},
)

OPERATIONS = (_BCE,)
