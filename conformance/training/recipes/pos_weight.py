"""Five ways of training at 1 : 5, in the manner of the article on ``pos_weight``.

The article trains an EfficientNet-B3 on video frames; what it claims about the weights
does not depend on that, so a small smooth network stands in and many seeds can be run.
Sizes, ratio, optimiser family, clipping and the constants of the strategies are the
article's; learning rate, batch and epochs fit the small network.
"""

from dataclasses import replace

from conformance.training.recipe import (
    DataPlan,
    Mining,
    Optimizer,
    Recipe,
    Statistics,
    Strategy,
    Weight,
)

_BCE = "binary_cross_entropy_with_logits"
_ADAPTIVE = "adaptive_bce_with_logits"

_RATIO = Weight("ratio", constants=(("factor", 1.0), ("max_value", 100.0)))
_DYNAMIC = Weight(
    "dynamic", constants=(("initial", 1.0), ("step", 0.5), ("max_value", 10.0))
)
_TRUE = (("gamma", 2.0), ("modulator", "probability"))
_ARTICLE = (("gamma", 2.0), ("modulator", "weighted_loss"))

_ADAMW = Optimizer(
    "adamw",
    (
        ("learning_rate", 5e-3),
        ("beta1", 0.9),
        ("beta2", 0.999),
        ("eps", 1e-8),
        ("weight_decay", 1e-2),
    ),
    max_norm=1.0,
    clip_eps=1e-6,
)

POS_WEIGHT = Recipe(
    name="pos_weight",
    task="binary",
    data=(
        DataPlan(
            name="synthetic",
            source="synthetic",
            options={
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
            quick_epochs=2,
            lockstep_epochs=40,
            quick_lockstep_epochs=22,
            lockstep_batches=10,
            margin=0.01,
        ),
        # The true logit is linear: what is trained can be held against theory.
        DataPlan(
            name="gaussian",
            source="gaussian",
            options={
                "seed": 20240504,
                "features": 8,
                "distance": 2.5,
                "positives": (2_000, 2_000, 2_000),
                "negatives": (10_000, 10_000, 10_000),
            },
            hidden=(8,),
            batch=256,
            epochs=15,
            quick_epochs=0,
            lockstep_epochs=10,
            quick_lockstep_epochs=4,
            lockstep_batches=20,
            margin=0.01,
        ),
        DataPlan(
            name="digits",
            source="digits",
            options={"seed": 20240502, "positive": 8, "ratio": 5},
            hidden=(16, 16),
            batch=32,
            epochs=40,
            quick_epochs=0,
            lockstep_epochs=25,
            quick_lockstep_epochs=15,
            lockstep_batches=None,
            margin=0.02,
        ),
    ),
    user_data=DataPlan(
        name="user",
        source="user",
        options={"seed": 20240503},
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
        Strategy("plain", _BCE),
        Strategy("inverse", _BCE, weight=_RATIO),
        Strategy("dynamic", _BCE, weight=_DYNAMIC),
        Strategy("adaptive", _ADAPTIVE, _TRUE, _RATIO),
        Strategy("adaptive-article", _ADAPTIVE, _ARTICLE, _RATIO),
        Strategy("mild", _ADAPTIVE, (("gamma", 1.0), *_ARTICLE[1:]), _RATIO),
        Strategy(
            "extreme",
            _ADAPTIVE,
            (("gamma", 1.5), *_ARTICLE[1:]),
            Weight("ratio", constants=(("factor", 2.0), ("max_value", 100.0))),
        ),
        Strategy("mining", _BCE, weight=_RATIO, mining=Mining(0.2, 0.3)),
        Strategy(
            "progressive",
            _BCE,
            weight=Weight("progressive", constants=(("start", 1.0), ("epochs", 20))),
        ),
        Strategy("oversampled", _BCE, resampling="oversample"),
        Strategy("smote", _BCE, resampling="smote"),
        Strategy("sampler", _BCE, sampler="balanced"),
        Strategy(
            "unclipped", _BCE, weight=_RATIO, optimizer=replace(_ADAMW, max_norm=None)
        ),
        Strategy("dropout", _BCE, weight=_RATIO, dropout=0.2),
        Strategy(
            "l2",
            _BCE,
            weight=_RATIO,
            # Through the moments, as torch.optim.Adam has it.
            optimizer=replace(_ADAMW, name="adam").with_constants(weight_decay=1e-3),
        ),
        Strategy("early-stopping", _BCE, weight=_RATIO, patience=10),
    ),
    claims=(
        ("adaptive-article", "dynamic", "inverse"),
        ("adaptive", "dynamic", "inverse"),
    ),
    optimizer=_ADAMW,
    statistics=Statistics(
        main_metric="f1_searched", contrasted=("f1_half", "f1_searched")
    ),
)
