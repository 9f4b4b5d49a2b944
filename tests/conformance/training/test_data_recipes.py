from functools import cache

import numpy as np
import pytest

from conformance.training.data import SOURCES
from conformance.training.metrics import names
from conformance.training.recipes import RECIPES

PLANS = {
    f"{recipe.name}/{plan.name}": (recipe, plan)
    for recipe in RECIPES.values()
    for plan in recipe.data
}


every_plan = pytest.mark.parametrize(("recipe", "plan"), PLANS.values(), ids=PLANS)


@cache
def problem_of(recipe, plan):
    """Draws the data of a plan once."""
    (own,) = (one for one in RECIPES[recipe].data if one.name == plan)
    return SOURCES[own.source](**own.options)


@every_plan
def test_every_part_holds_every_class(recipe, plan):
    problem = problem_of(recipe.name, plan.name)
    for counts in problem.counts().values():
        assert np.min(counts) > 0
    assert len(problem.train.labels) >= plan.batch


@every_plan
def test_what_is_compared_is_measured(recipe, plan):
    measured = names(problem_of(recipe.name, plan.name))
    told = recipe.for_data(plan).statistics
    assert told.main_metric in measured
    assert set(told.contrasted) & set(measured)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_contrast_is_of_some_data(recipe):
    measured = [names(problem_of(recipe.name, plan.name)) for plan in recipe.data]
    assert set(recipe.statistics.contrasted) <= {n for own in measured for n in own}


@every_plan
def test_weights_that_are_printed_fit_the_classes(recipe, plan):
    problem = problem_of(recipe.name, plan.name)
    for strategy in recipe.for_data(plan).strategies:
        constants = dict(strategy.weight.constants) if strategy.weight else {}
        assert np.size(constants.get("value", problem.classes)) in (1, problem.classes)
        if not isinstance(strategy.sampler, str):
            assert len(strategy.sampler) == len(problem.class_counts)


def test_three_labels_are_as_rare_as_their_printed_weights():
    np.testing.assert_allclose(
        problem_of("multilabel", "three").ratio, [5, 10, 20], rtol=0.15
    )
