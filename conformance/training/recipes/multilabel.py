"""Five labels at 1 to 20 %, in the manner of the article on ``weight``.

The mistakes are the article's: the inverse of the weight that was meant, a constant
weight of every element, and weights counted in each batch.
"""

from conformance.training.recipe import (
    DataPlan,
    Recipe,
    Statistics,
    Strategy,
    Weight,
)
from conformance.training.recipes.parts import BCE, RATIO, adamw, small, user

_INVERTED = Weight("inverted", constants=(("minimum", 1e-3),))
_MOVING = Weight("moving", constants=(("momentum", 0.99), ("max_value", 100.0)))

_STRATEGIES = (
    Strategy("plain", BCE),
    Strategy("correct", BCE, weight=RATIO),
    Strategy("inverted", BCE, weight=_INVERTED),
    Strategy("inverted-element", BCE, weight=_INVERTED, factor=0.5),
    Strategy("element", BCE, weight=RATIO, factor=0.5),
    Strategy(
        "per-batch", BCE, weight=Weight("batch", constants=(("max_value", 100.0),))
    ),
    Strategy("moving", BCE, weight=_MOVING),
)
_NAMES = tuple(strategy.name for strategy in _STRATEGIES)
# The weights of three labels that the article on ``pos_weight`` prints.
_PRINTED = Strategy(
    "printed", BCE, weight=Weight("fixed", constants=(("value", (5.0, 10.0, 20.0)),))
)

MULTILABEL = Recipe(
    name="multilabel",
    task="multilabel",
    data=(
        DataPlan(
            name="synthetic",
            source="multilabel_synthetic",
            options={
                "seed": 20240511,
                "features": 10,
                "units": 8,
                "slope": 2.5,
                "rates": (0.01, 0.02, 0.05, 0.10, 0.20),
                "examples": (8_000, 6_000, 8_000),
            },
            hidden=(16,),
            batch=128,
            epochs=20,
            quick_epochs=4,
            lockstep_epochs=15,
            quick_lockstep_epochs=4,
            lockstep_batches=20,
            margin=0.01,
            strategies=_NAMES,
        ),
        # As rare as the weights that are printed.
        DataPlan(
            name="three",
            source="multilabel_synthetic",
            options={
                "seed": 20240514,
                "features": 10,
                "units": 8,
                "slope": 2.5,
                "rates": (1 / 6, 1 / 11, 1 / 21),
                "examples": (4_000, 3_000, 4_000),
            },
            hidden=(16,),
            batch=128,
            epochs=20,
            quick_epochs=0,
            lockstep_epochs=15,
            quick_lockstep_epochs=4,
            lockstep_batches=20,
            margin=0.02,
            strategies=("plain", "printed"),
        ),
        small(
            "digits",
            "digits_multilabel",
            {
                "seed": 20240512,
                "attributes": ((0,), (1, 7), (8, 9), (2, 4, 6), (3, 5)),
                "kept": (20, 40, 120, 60, 120, 60, 120, 40, 60, 60),
            },
            strategies=_NAMES,
        ),
    ),
    user_data=user(20240513, _NAMES),
    strategies=(*_STRATEGIES, _PRINTED),
    claims=(("correct", "plain", "inverted"),),
    optimizer=adamw(3e-3, 1e-2),
    statistics=Statistics(
        main_metric="macro_f1_searched",
        contrasted=("macro_f1_half", "macro_f1_global", "macro_f1_searched"),
    ),
)
