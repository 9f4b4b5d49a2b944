from dataclasses import replace

import pytest

from conformance.training.data import synthetic
from conformance.training.recipes import RECIPES


@pytest.fixture(scope="session")
def problem():
    return synthetic(
        seed=1,
        features=4,
        components=2,
        spread=1.5,
        positives=(40, 20, 20),
        negatives=(200, 100, 100),
    )


@pytest.fixture(scope="session")
def plan():
    return replace(
        RECIPES["pos_weight"].data[0],
        name="tiny",
        hidden=(5,),
        batch=24,
        epochs=6,
        lockstep_epochs=6,
        lockstep_batches=None,
    )


@pytest.fixture(scope="session")
def recipe(plan):
    recipe = RECIPES["pos_weight"]
    user = replace(plan, name="user", source={"seed": 0})
    faster = replace(recipe.optimizer, learning_rate=0.03)
    return replace(recipe, data=(plan,), user_data=user, optimizer=faster, seeds=8)


@pytest.fixture(scope="session")
def strategies(recipe):
    return {strategy.name: strategy for strategy in recipe.strategies}
