"""Five ways of training at 1 : 5, in the manner of the article on ``pos_weight``.

The article trains an EfficientNet-B3 on video frames; what it claims about the weights
does not depend on that, so a small smooth network stands in and many seeds can be run.
Sizes, ratio, optimiser family, clipping and the constants of the strategies are the
article's; learning rate, batch and epochs fit the small network.
"""

from conformance.training.recipe import (
    DataPlan,
    Dynamic,
    Lockstep,
    Optimizer,
    Recipe,
    Statistics,
    Strategy,
)

_BCE = "binary_cross_entropy_with_logits"
_ADAPTIVE = "adaptive_bce_with_logits"

POS_WEIGHT = Recipe(
    name="pos_weight",
    data=(
        DataPlan(
            name="synthetic",
            source={
                "seed": 20240501,
                "features": 8,
                "components": 4,
                "spread": 1.15,
                "positives": (6_000, 1_500, 1_500),
                "negatives": (30_000, 7_500, 7_500),
            },
            hidden=(16, 16),
            batch=256,
            epochs=30,
            quick_epochs=5,
            lockstep_epochs=50,
            quick_lockstep_epochs=24,
            lockstep_batches=10,
            margin=0.01,
        ),
        DataPlan(
            name="digits",
            source={"seed": 20240502, "positive": 8, "ratio": 5},
            hidden=(16, 16),
            batch=32,
            epochs=40,
            quick_epochs=15,
            lockstep_epochs=25,
            quick_lockstep_epochs=15,
            lockstep_batches=None,
            margin=0.02,
        ),
    ),
    user_data=DataPlan(
        name="user",
        source={"seed": 20240503},
        hidden=(16, 16),
        batch=32,
        epochs=30,
        quick_epochs=8,
        lockstep_epochs=20,
        quick_lockstep_epochs=10,
        lockstep_batches=25,
        margin=0.02,
    ),
    strategies=(
        Strategy("plain", _BCE, (), "one"),
        Strategy("inverse", _BCE, (), "ratio"),
        Strategy("dynamic", _BCE, (), "dynamic"),
        Strategy(
            "adaptive",
            _ADAPTIVE,
            (("gamma", 2.0), ("modulator", "probability")),
            "ratio",
        ),
        Strategy(
            "adaptive-article",
            _ADAPTIVE,
            (("gamma", 2.0), ("modulator", "weighted_loss")),
            "ratio",
        ),
    ),
    claims=(
        ("adaptive-article", "dynamic", "inverse"),
        ("adaptive", "dynamic", "inverse"),
    ),
    dynamic=Dynamic(initial=1.0, step=0.5, max_value=10.0),
    optimizer=Optimizer(
        learning_rate=5e-3,
        beta1=0.9,
        beta2=0.999,
        eps=1e-8,
        weight_decay=1e-2,
        max_norm=1.0,
        clip_eps=1e-6,
    ),
    lockstep=Lockstep(
        shadows=3, factor=8.0, floor=64.0, horizon=1e-6, minimum_steps=30
    ),
    statistics=Statistics(
        main_metric="f1_searched", alpha=0.05, minimum_seeds=8, minimum_fall=0.05
    ),
    seeds=20,
)
