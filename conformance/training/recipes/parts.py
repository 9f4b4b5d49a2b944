"""What several recipes are made of."""

from typing import Any

from conformance.training.recipe import DataPlan, Optimizer, Weight

BCE = "binary_cross_entropy_with_logits"

# Negatives over positives, capped as the source caps it.
RATIO = Weight("ratio", constants=(("factor", 1.0), ("max_value", 100.0)))


def adamw(learning_rate: float, weight_decay: float) -> Optimizer:
    """Returns AdamW with PyTorch's other constants, clipped as the source clips."""
    constants = (
        ("learning_rate", learning_rate),
        ("beta1", 0.9),
        ("beta2", 0.999),
        ("eps", 1e-8),
        ("weight_decay", weight_decay),
    )
    return Optimizer("adamw", constants, max_norm=1.0, clip_eps=1e-6)


def small(name: str, source: str, options: dict[str, Any], **changes: Any) -> DataPlan:
    """Returns the plan of a bundled data set: a few hundred examples, not in quick."""
    numbers = {
        "hidden": (16,),
        "batch": 32,
        "epochs": 40,
        "quick_epochs": 0,
        "lockstep_epochs": 20,
        "quick_lockstep_epochs": 10,
        "lockstep_batches": 10,
        "margin": 0.02,
    }
    return DataPlan(name, source, options, **{**numbers, **changes})


def user(seed: int, strategies: tuple[str, ...] = ()) -> DataPlan:
    """Returns the plan for ``--data``; no strategies are all of the recipe's."""
    return DataPlan(
        name="user",
        source="user",
        options={"seed": seed},
        hidden=(16, 16),
        batch=32,
        epochs=30,
        quick_epochs=8,
        lockstep_epochs=20,
        quick_lockstep_epochs=10,
        lockstep_batches=25,
        margin=0.02,
        strategies=strategies,
    )
