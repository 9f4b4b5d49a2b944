"""Probabilities against logits, half precision, reductions and warm-up.

The article's advice on stable training, under SGD with momentum: an optimiser that does
not rescale the gradient shows what a reduction does to it.
"""

from conformance.training.recipe import (
    DataPlan,
    Optimizer,
    Rate,
    Recipe,
    Statistics,
    Strategy,
)
from conformance.training.recipes.parts import BCE, RATIO, small, user

_SGD = Optimizer(
    "sgd",
    (
        ("learning_rate", 0.1),
        ("momentum", 0.9),
        ("nesterov", False),
        ("weight_decay", 1e-4),
    ),
    max_norm=1.0,
    clip_eps=1e-6,
)
_HALVES, _UNEVEN = (1, 1), (7, 1)


def _warm_up(name: str, steps: int, first: float) -> Strategy:
    rate = Rate("warmup_factor", (("steps", steps), ("first", first)))
    return Strategy(name, BCE, rate=rate)


STABILITY = Recipe(
    name="stability",
    task="binary",
    data=(
        DataPlan(
            name="synthetic",
            source="synthetic",
            options={
                "seed": 20240531,
                "features": 8,
                "components": 4,
                "spread": 1.15,
                "positives": (1_000, 1_000, 1_000),
                "negatives": (5_000, 5_000, 5_000),
            },
            hidden=(16,),
            batch=128,
            epochs=30,
            quick_epochs=5,
            lockstep_epochs=10,
            quick_lockstep_epochs=2,
            lockstep_batches=30,
            margin=0.01,
        ),
        small("breast_cancer", "breast_cancer", {"seed": 20240532, "ratio": 5}),
    ),
    user_data=user(20240533),
    strategies=(
        Strategy("logits", BCE),
        Strategy("probabilities", "bce_of_probabilities"),
        Strategy("shifted", "bce_of_shifted_probabilities"),
        # float16 with and without loss scaling.
        Strategy("half", BCE, loss_scale=1.0),
        Strategy("half-scaled", BCE, loss_scale=2.0**10),
        Strategy("sum", BCE, divisor="one"),
        Strategy("even-shards", BCE, shards=_HALVES),
        Strategy("uneven-shards", BCE, shards=_UNEVEN),
        Strategy("weighted", BCE, weight=RATIO, divisor="weights"),
        Strategy(
            "weighted-shards", BCE, weight=RATIO, divisor="weights", shards=_HALVES
        ),
        _warm_up("warm-up-zero", 10, 0.0),
        _warm_up("warm-up", 9, 0.1),
    ),
    claims=(("logits", "probabilities"), ("logits", "shifted")),
    optimizer=_SGD,
    statistics=Statistics(
        main_metric="f1_searched", contrasted=("f1_half", "f1_searched")
    ),
)
