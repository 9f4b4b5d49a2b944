from dataclasses import replace

import pytest
import torch

from conformance.training.backends import one_thread_each
from conformance.training.data import SOURCES
from conformance.training.lockstep import run_lockstep
from conformance.training.recipe import TASKS
from conformance.training.recipes import RECIPES

POS_WEIGHT = RECIPES["pos_weight"]
every_recipe = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)


@every_recipe
def test_digest_changes_with_every_constant(recipe):
    name = "learning_rate"
    optimizer = recipe.optimizer.with_constants(**{name: 1e-7})
    assert list(dict(optimizer.constants)) == list(dict(recipe.optimizer.constants))
    assert replace(recipe, optimizer=optimizer).digest() != recipe.digest()
    assert replace(recipe).digest() == recipe.digest()


@every_recipe
def test_quick_is_shorter_and_keeps_what_a_verdict_needs(recipe):
    quick = recipe.quick()
    assert quick.statistics.looks == (recipe.statistics.minimum_seeds,) == (8,)
    whole = {plan.name: plan for plan in recipe.data}
    assert quick.data
    for plan in quick.data:
        before = whole[plan.name]
        assert 0 < plan.epochs < before.epochs
        assert plan.lockstep_epochs < before.lockstep_epochs
        assert plan.margin == before.margin


@every_recipe
def test_recipe_is_whole(recipe):
    names = [strategy.name for strategy in recipe.strategies]
    assert recipe.task in TASKS
    assert len(set(names)) == len(names)
    assert {name for claim in recipe.claims for name in claim} <= set(names)
    used = set()
    for plan in recipe.data:
        assert plan.source in SOURCES
        own = [strategy.name for strategy in recipe.for_data(plan).strategies]
        assert own == [n for n in names if n in (plan.strategies or names)]
        used |= set(own)
    assert used == set(names)


def test_data_may_have_strategies_and_a_metric_of_its_own():
    plan = replace(
        POS_WEIGHT.data[0], strategies=("plain", "dynamic"), main_metric="auc"
    )
    found = POS_WEIGHT.for_data(plan)
    assert [strategy.name for strategy in found.strategies] == ["plain", "dynamic"]
    assert found.statistics.main_metric == "auc"


def test_threads_are_limited_and_given_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread_each(("torch",)):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("plan", POS_WEIGHT.quick().data, ids=lambda plan: plan.name)
def test_lockstep_spans_several_raises_of_the_dynamic_weight(plan):
    dynamic = next(s for s in POS_WEIGHT.strategies if s.name == "dynamic")
    with one_thread_each(()):
        found = run_lockstep(
            SOURCES[plan.source](**plan.options),
            plan,
            dynamic,
            POS_WEIGHT,
            backends=("numpy",),
            device="cpu",
        )
    assert len(set(found["weights"])) >= 4
    assert found["horizon"] == len(found["bound"]) >= 200
