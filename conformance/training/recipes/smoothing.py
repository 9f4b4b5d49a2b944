"""Class weights and label smoothing, in the manner of the article on cross entropy.

Counts of 900, 90 and 10 are the article's example, 1000, 200 and 50 those of its chest
X-rays. Weighted means divide by the weights of the labels, as PyTorch's do; a strategy
that ends in ``-count`` divides by the number of examples.
"""

from typing import Any

from conformance.training.recipe import (
    DataPlan,
    Recipe,
    Statistics,
    Strategy,
    Weight,
)
from conformance.training.recipes.parts import adamw, small, user

_CE = "cross_entropy"
_CLASSES = "class_weights"
_INVERSE = Weight("inverse_frequency", _CLASSES, (("scale", 1.0),))
_EFFECTIVE = Weight("effective_number", _CLASSES, (("beta", 0.999), ("scale", 1.0)))
_ROOT = Weight("inverse_square_root", _CLASSES, (("scale", 1.0),))
# The sweep of the article, and 0.05 and 0.15 between.
_ALPHAS = (0.05, 0.1, 0.15, 0.2, 0.3)


def _weighted(name: str, weight: Weight, alpha: float = 0.0, **more: Any) -> Strategy:
    options = (("label_smoothing", alpha),) if alpha else ()
    return Strategy(name, _CE, options, weight, **{"divisor": "weights", **more})


def _smooth(alpha: float) -> Strategy:
    return Strategy(f"smooth-{alpha:g}", _CE, (("label_smoothing", alpha),))


def _synthetic(
    seed: int, counts: tuple[int, int, int], components: int, spread: float
) -> DataPlan:
    return DataPlan(
        name=f"synthetic-{counts[0]}",
        source="multiclass_synthetic",
        options={
            "seed": seed,
            "features": 8,
            "components": components,
            "spread": spread,
            "counts": counts,
            "times": 6,
        },
        hidden=(16,),
        batch=32,
        epochs=40,
        quick_epochs=5 if counts[0] == 900 else 0,
        lockstep_epochs=10,
        quick_lockstep_epochs=2,
        lockstep_batches=30,
        margin=0.02,
    )


_STRATEGIES = (
    Strategy("plain", _CE),
    _weighted("inverse", _INVERSE),
    _weighted("inverse-count", _INVERSE, divisor="count"),
    _weighted("effective", _EFFECTIVE),
    _weighted("square-root", _ROOT),
    Strategy("sampler", _CE, sampler="balanced"),
    _weighted("sampler-inverse", _INVERSE, sampler="balanced"),
    *(_smooth(alpha) for alpha in _ALPHAS),
    _weighted("joint-square-root-0.1", _ROOT, 0.1),
    _weighted("joint-effective-0.1", _EFFECTIVE, 0.1),
    # The scale is the advice "0.5 to 2.0"; where the mean divides by the weights,
    # it cancels.
    *(
        _weighted(
            f"joint-inverse-{scale:g}-0.1",
            Weight("inverse_frequency", _CLASSES, (("scale", scale),)),
            0.1,
            divisor="count",
        )
        for scale in (0.5, 2.0)
    ),
)
# Its weights are for three classes; the user's data may have others.
_PRINTED = _weighted(
    "joint-printed",
    Weight("fixed", _CLASSES, (("value", (0.5, 1.8, 3.0)),)),
    0.15,
)

SMOOTHING = Recipe(
    name="smoothing",
    task="multiclass",
    data=(
        _synthetic(20240521, (900, 90, 10), 3, 1.0),
        # Of the rarest class the true posterior finds a third, as the article's model.
        _synthetic(20240521, (1000, 200, 50), 2, 0.8),
        # Enough of every class for the logits to be held against theory.
        DataPlan(
            name="gaussian",
            source="multiclass_synthetic",
            options={
                "seed": 20240526,
                "features": 4,
                "components": 1,
                "spread": 0.8,
                "counts": (6_000, 1_500, 500),
                "times": 1,
            },
            hidden=(16,),
            batch=128,
            epochs=25,
            quick_epochs=0,
            lockstep_epochs=5,
            quick_lockstep_epochs=2,
            lockstep_batches=20,
            margin=0.01,
        ),
        small("wine", "wine", {"seed": 20240523, "kept": (50, 30, 12)}, batch=16),
        small(
            "digits",
            "digits_multiclass",
            {
                "seed": 20240524,
                "groups": ((0, 2, 4, 6), (1, 7), (8,)),
                "kept": (700, 140, 40),
            },
        ),
    ),
    user_data=user(20240525, tuple(strategy.name for strategy in _STRATEGIES)),
    strategies=(*_STRATEGIES, _PRINTED),
    claims=(("sampler-inverse", "sampler"), ("sampler-inverse", "inverse")),
    optimizer=adamw(3e-3, 1e-2),
    statistics=Statistics(
        main_metric="balanced_accuracy",
        contrasted=(
            "accuracy",
            "balanced_accuracy",
            "recall_2",
            "entropy",
            "noisy_accuracy",
        ),
    ),
)
