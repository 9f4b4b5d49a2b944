"""Where a peer gives something else than what is specified.

Every departure is asked of both sides: ours must give what is specified, and what the
peer gives is named, so that the list cannot outlive its reasons unseen. Where there is
a choice, shapes and outputs are alike, so that JAX compiles once for several.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.adapters import Request
from conformance.witness.draws import BCE, CE, FOCAL, PROBS

NAN, INF = float("nan"), float("inf")
BOTH = ("torch", "jax")
# log(1 + exp(-17)) and the size of its slope.
BCE_17, SLOPE_17 = 4.1399376330897474e-8, 4.1399375473943306e-8
# log(1 + exp(-40)), and to 17 digits its slope.
CE_40 = 4.248354255291589e-18
# The focal loss with gamma = 1/2 at x = 40, and the size of its slope.
FOCAL_40, FOCAL_SLOPE_40 = 8.7565107626965203e-27, 1.313476614404478e-26


@dataclass(frozen=True, eq=False)
class Departure:
    """One question that is answered differently.

    Attributes:
        number: Number in the specification's list of departures from PyTorch; 9 is
            the gradient of hard labels, which is wrong in optax alone.
        title: What it is about.
        clause: The clause of the specification that it is about.
        frameworks: Whose peers depart.
        operation: Name of the operation.
        inputs: Logits or probabilities, and labels; integers are class indices.
        specified: The right outputs; NaN stands for NaN or a ``ValueError``.
        amplification: Factor of the relative error that is allowed.
        dtype: Dtype of the inputs.
        reduction: Reduction asked for.
        arrays: Weights.
        params: Other options.
    """

    number: int
    title: str
    clause: str
    frameworks: Sequence[str]
    operation: str
    inputs: tuple[Any, Any]
    specified: Mapping[str, Any]
    amplification: float = 1.0
    dtype: str = "float64"
    reduction: str = "none"
    arrays: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)

    def path(self, framework: str) -> str:
        """Names the departure in reports."""
        what = f"departure={self.number};{self.title.replace(' ', '-')}"
        return f"{self.operation}/witness/{framework};{what}"

    def request(self, framework: str, device: str) -> Request:
        """The question, to be asked of both sides."""
        names = ("probs" if self.operation == PROBS else "logits", "labels")
        arrays = [np.asarray(value) for value in self.inputs]
        indices = self.operation == CE and arrays[1].dtype.kind == "i"
        return Request(
            operation=self.operation,
            inputs={k: v.astype(float) for k, v in zip(names, arrays, strict=True)},
            params=self.params,
            arrays={k: np.asarray(v, float) for k, v in self.arrays.items()},
            dtype=self.dtype,
            reduction=self.reduction,
            device=device,
            transform="jit" if framework == "jax" else "eager",
            positional=names,
            kinds={"labels": "index"} if indices else {},
            want=tuple(self.specified),
        )


_TAILS = (
    Departure(
        1,
        "tail of the gradient",
        "BCE-2",
        ("torch",),
        BCE,
        ([17.0, -17.0], [1.0, 0.0]),
        {"value": [BCE_17, BCE_17], "grad_logits": [-SLOPE_17, SLOPE_17]},
        amplification=18,
        dtype="float32",
    ),
    Departure(
        1,
        "tail of the gradient",
        "CE-2",
        BOTH,
        CE,
        ([[40.0, 0.0]], [0]),
        {"value": [CE_40], "grad_logits": [[-CE_40, CE_40]]},
        amplification=41,
    ),
    Departure(
        1,
        "tail of the gradient",
        "FOC-2",
        ("torch",),
        FOCAL,
        ([40.0], [1.0]),
        {"value": [FOCAL_40], "grad_logits": [-FOCAL_SLOPE_40]},
        amplification=61,
        params={"gamma": 0.5},
    ),
)
_LIMITS = (
    Departure(
        2,
        "infinite logits",
        "GEN-7",
        BOTH,
        BCE,
        ([INF, -INF, INF], [1.0, 0.0, 0.0]),
        {"value": [0.0, 0.0, INF], "grad_logits": [0.0, 0.0, 1.0]},
    ),
    Departure(
        2,
        "infinite logits",
        "CE-7",
        BOTH,
        CE,
        ([[INF, 0.0]], [0]),
        {"value": [0.0], "grad_logits": [[0.0, 0.0]]},
    ),
    Departure(
        3,
        "mean of nothing",
        "GEN-4",
        BOTH,
        BCE,
        ([], []),
        {"value": 0.0, "grad_logits": []},
        reduction="mean",
    ),
    Departure(
        3,
        "all ignored",
        "GEN-4",
        ("torch",),
        CE,
        ([[1.0, 0.0], [0.0, 2.0]], [-100, -100]),
        {"value": 0.0, "grad_logits": [[0.0, 0.0], [0.0, 0.0]]},
        reduction="mean",
    ),
)
_PRECISION = (
    Departure(
        4,
        "half precision",
        "GEN-6",
        BOTH,
        BCE,
        ([0.5, -3.0], [1.0, 0.0]),
        # softplus(-1/2), softplus(-3)
        {"value": [0.47407698418010668, 0.04858735157374206]},
        amplification=4,
        dtype="bfloat16",
    ),
    Departure(
        4,
        "half precision",
        "GEN-6",
        BOTH,
        CE,
        ([[12.0, 0.0]], [0]),
        {"value": [6.1441934777328054e-6]},
        amplification=13,
        dtype="bfloat16",
    ),
)
_RULES = (
    Departure(
        5,
        "one-hot labels under weights",
        "CE-4",
        ("torch",),
        CE,
        ([[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]),
        # The mean of softplus(-1) and softplus(1).
        {"value": 0.8132616875182228},
        amplification=2,
        reduction="mean",
        arrays={"class_weights": [2.0, 3.0]},
    ),
    Departure(
        6,
        "label out of range",
        "GEN-9",
        BOTH,
        BCE,
        ([0.25, 0.5, 1.0], [2.0, -1.0, 1.5]),
        {"value": [NAN, NAN, NAN], "grad_logits": [NAN, NAN, NAN]},
    ),
    Departure(
        6,
        "negative weight",
        "GEN-9",
        ("torch",),
        BCE,
        ([0.25], [1.0]),
        {"value": [NAN]},
        arrays={"sample_weight": [-1.0]},
    ),
    Departure(
        6,
        "probability out of range",
        "GEN-9",
        BOTH,
        CE,
        ([[1.0, 0.0]], [[1.5, -0.5]]),
        {"value": [NAN]},
    ),
    Departure(
        6,
        "negative class weight",
        "GEN-9",
        ("torch",),
        CE,
        ([[1.0, 0.0]], [0]),
        {"value": [NAN]},
        arrays={"class_weights": [-1.0, 2.0]},
    ),
    Departure(
        6,
        "index -1",
        "GEN-9",
        ("jax",),
        CE,
        ([[1.0, 0.0]], [-1]),
        {"value": [NAN], "grad_logits": [[NAN, NAN]]},
    ),
    Departure(
        6,
        "index too large",
        "GEN-9",
        ("jax",),
        CE,
        ([[1.0, 0.0]], [2]),
        {"value": [NAN], "grad_logits": [[NAN, NAN]]},
    ),
    Departure(
        7,
        "smoothing of 1",
        "GEN-9",
        BOTH,
        CE,
        ([[1.0, 0.0]], [0]),
        {"value": [NAN]},
        params={"label_smoothing": 1.0},
    ),
    Departure(
        8,
        "gradient of probabilities",
        "BCP-2",
        ("torch",),
        PROBS,
        ([1e-14, 0.0], [1.0, 1.0]),
        # -log(1e-14); at 0 the logarithm is clamped at -100 and has no slope.
        {"value": [32.23619130191664, 100.0], "grad_probs": [-1e14, 0.0]},
    ),
    Departure(
        9,
        "gradient of hard labels",
        "FOC-4",
        ("jax",),
        FOCAL,
        ([1.0, 1.0], [1.0, 0.0]),
        {"grad_labels": [-0.15019534509847216, -1.4217774137414356]},
        amplification=4,
    ),
)
DEPARTURES = (*_TAILS, *_LIMITS, *_PRECISION, *_RULES)
