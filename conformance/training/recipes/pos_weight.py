"""Ways of training at 1 : 5, in the manner of the article on ``pos_weight``.

The article trains an EfficientNet-B3 on video frames; what it claims about the weights
does not depend on that, so a small smooth network stands in and many seeds can be run.
Sizes, ratio, optimiser family, clipping and the constants of the strategies are the
article's; learning rate, batch and epochs fit the small network.
"""

from dataclasses import replace

from conformance.training.recipe import (
    DataPlan,
    Mining,
    Recipe,
    Statistics,
    Strategy,
    Weight,
)
from conformance.training.recipes.parts import BCE, RATIO, adamw, user

_ADAPTIVE = "adaptive_bce_with_logits"

_DYNAMIC = Weight(
    "dynamic", constants=(("initial", 1.0), ("step", 0.5), ("max_value", 10.0))
)
_TRUE = (("gamma", 2.0), ("modulator", "probability"))
_ARTICLE = (("gamma", 2.0), ("modulator", "weighted_loss"))

_ADAMW = adamw(5e-3, 1e-2)

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
    user_data=user(20240503),
    strategies=(
        Strategy("plain", BCE),
        Strategy("inverse", BCE, weight=RATIO),
        Strategy("dynamic", BCE, weight=_DYNAMIC),
        Strategy("adaptive", _ADAPTIVE, _TRUE, RATIO),
        # The article's presets are plain, mild, this one and extreme.
        Strategy("adaptive-article", _ADAPTIVE, _ARTICLE, RATIO),
        Strategy("mild", _ADAPTIVE, (("gamma", 1.0), *_ARTICLE[1:]), RATIO),
        Strategy(
            "extreme",
            _ADAPTIVE,
            (("gamma", 1.5), *_ARTICLE[1:]),
            Weight("ratio", constants=(("factor", 2.0), ("max_value", 100.0))),
        ),
        Strategy("mining", BCE, weight=RATIO, mining=Mining(0.2, 0.3)),
        Strategy(
            "progressive",
            BCE,
            weight=Weight("progressive", constants=(("start", 1.0), ("epochs", 20))),
        ),
        Strategy("oversampled", BCE, resampling="oversample"),
        Strategy("smote", BCE, resampling="smote"),
        Strategy("sampler", BCE, sampler="balanced"),
        Strategy(
            "unclipped", BCE, weight=RATIO, optimizer=replace(_ADAMW, max_norm=None)
        ),
        Strategy("dropout", BCE, weight=RATIO, dropout=0.2),
        Strategy(
            "l2",
            BCE,
            weight=RATIO,
            # Through the moments, as torch.optim.Adam has it.
            optimizer=replace(_ADAMW, name="adam").with_constants(weight_decay=1e-3),
        ),
        Strategy("early-stopping", BCE, weight=RATIO, patience=10),
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
