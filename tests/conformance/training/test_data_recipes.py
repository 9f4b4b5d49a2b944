import numpy as np
import pytest

from conformance.training.data import SOURCES
from conformance.training.recipes import RECIPES

PLANS = {
    f"{recipe.name}/{plan.name}": plan
    for recipe in RECIPES.values()
    for plan in recipe.data
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_every_part_holds_every_class(plan):
    problem = SOURCES[plan.source](**plan.options)
    for counts in problem.counts().values():
        assert np.min(counts) > 0
    assert len(problem.train.labels) >= plan.batch
