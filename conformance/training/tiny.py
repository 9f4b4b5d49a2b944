"""A training that takes a moment, to show what the lockstep sees."""

from dataclasses import replace
from functools import cache

from conformance.training.data import Problem, synthetic
from conformance.training.recipe import DataPlan, Recipe, Strategy
from conformance.training.recipes import RECIPES

_POS_WEIGHT = RECIPES["pos_weight"]
_NAMES = ("plain", "inverse", "dynamic", "adaptive", "adaptive-article")
# Sixty updates, twice as many as a horizon must have.
PLAN: DataPlan = replace(
    _POS_WEIGHT.data[0],
    name="tiny",
    source="tiny",
    options={},
    hidden=(5,),
    batch=24,
    epochs=6,
    lockstep_epochs=6,
    lockstep_batches=None,
)
RECIPE: Recipe = replace(
    _POS_WEIGHT,
    data=(PLAN,),
    user_data=replace(PLAN, name="user", source="user", options={"seed": 0}),
    strategies=tuple(s for s in _POS_WEIGHT.strategies if s.name in _NAMES),
    claims=(("adaptive", "dynamic", "inverse"),),
    optimizer=_POS_WEIGHT.optimizer.with_constants(learning_rate=0.03),
).with_seeds(8)
STRATEGIES: dict[str, Strategy] = {one.name: one for one in RECIPE.strategies}


@cache
def problem() -> Problem:
    """Draws the data."""
    return synthetic(
        seed=1,
        features=4,
        components=2,
        spread=1.5,
        positives=(40, 20, 20),
        negatives=(200, 100, 100),
    )


def short() -> Recipe:
    """Returns the recipe with one strategy and nothing to claim."""
    return replace(RECIPE, strategies=RECIPE.strategies[:1], claims=())
