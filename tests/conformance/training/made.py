"""A recipe and results that no training made."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from conformance.training.recipe import (
    DataPlan,
    Optimizer,
    Recipe,
    Statistics,
    Strategy,
)

METRICS = ("f1_half", "f1_searched", "average_precision")
CALIBRATION = ("ece_raw", "ece_corrected", "f1_corrected_half")
MARGIN = 0.01
NAMES = ("plain", "ratio", "focal")
_BCE = "binary_cross_entropy_with_logits"

PLAN = DataPlan(
    name="made",
    source="made",
    options={"seed": 1},
    hidden=(4,),
    batch=8,
    epochs=3,
    quick_epochs=2,
    lockstep_epochs=2,
    quick_lockstep_epochs=1,
    lockstep_batches=None,
    margin=MARGIN,
)
RECIPE = Recipe(
    name="made",
    task="binary",
    data=(PLAN,),
    user_data=PLAN,
    strategies=tuple(Strategy(name, _BCE) for name in NAMES),
    claims=(),
    optimizer=Optimizer("adamw", (("learning_rate", 0.1),), 1.0, 1e-6),
    statistics=Statistics("f1_searched", ("f1_half", "f1_searched")),
)


@dataclass(frozen=True)
class Problem:
    """As much of a problem as the orchestra looks at."""

    task: str = "binary"

    def counts(self) -> dict[str, Any]:
        return {"train": {"positives": 2, "negatives": 10}}


def problem(**options: Any) -> Problem:
    """Stands for a source of data."""
    del options
    return Problem()


def noise(seeds, index: int) -> np.ndarray:
    """Draws a column of numbers, the same ones for the same seeds."""
    return np.array([np.random.default_rng([s, index, 1]).normal() for s in seeds])


def seed_cell(seeds=range(10), mean=0.5, deviation=0.01, index=0) -> dict[str, Any]:
    """Returns a seed cell whose metrics have about this mean and deviation.

    Its logits follow their link.
    """
    off = deviation * noise(seeds, index)
    values = (mean + off).tolist()
    return {
        "seeds": list(seeds),
        "metrics": dict.fromkeys(METRICS, values),
        "theory": {
            **dict.fromkeys(CALIBRATION, values),
            "slope": (1.0 + off).tolist(),
            "offset": off.tolist(),
            **dict.fromkeys(("slope_error", "offset_error"), [0.01] * len(values)),
        },
        "pictures": {"first": seeds[0]},
        "weights": [[None] * len(seeds)] * 2,
        "loss_before": [1.0] * len(seeds),
        "loss_after": [0.5] * len(seeds),
        "trained": True,
        "seconds": 1.0,
    }


def lockstep_cell(backends=("torch",), steps=40, verdict="pass") -> dict[str, Any]:
    """Returns the record of a lockstep."""
    bound = [1e-13 * 1.1**step for step in range(steps)]
    return {
        "shadow": [value / 8 for value in bound],
        "bound": bound,
        "distances": {name: [value / 4 for value in bound] for name in backends},
        "horizon": steps,
        "first_failure": dict.fromkeys(backends),
        "verdict": dict.fromkeys(backends, verdict),
        "progress": {},
        "weights": [None] * 2,
    }
