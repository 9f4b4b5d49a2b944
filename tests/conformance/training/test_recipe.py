from dataclasses import replace

import pytest
import torch

from conformance.training.backends import one_thread_each
from conformance.training.data import SOURCES
from conformance.training.lockstep import run_lockstep
from conformance.training.recipes import RECIPES

RECIPE = RECIPES["pos_weight"]


def test_digest_changes_with_every_constant():
    changed = replace(RECIPE, optimizer=replace(RECIPE.optimizer, eps=1e-7))
    assert changed.digest() != RECIPE.digest()
    assert replace(RECIPE).digest() == RECIPE.digest()


def test_quick_is_shorter_and_keeps_what_a_verdict_needs():
    quick = RECIPE.quick()
    assert quick.seeds == RECIPE.statistics.minimum_seeds >= 8
    for plan, whole in zip(quick.data, RECIPE.data, strict=True):
        assert plan.epochs < whole.epochs
        assert plan.lockstep_epochs < whole.lockstep_epochs
        assert plan.margin == whole.margin


def test_threads_are_limited_and_given_back():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with one_thread_each(("torch",)):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_claims_rank_strategies_that_exist():
    names = {strategy.name for strategy in RECIPE.strategies}
    assert {name for claim in RECIPE.claims for name in claim} <= names


@pytest.mark.parametrize("plan", RECIPE.quick().data, ids=lambda plan: plan.name)
def test_lockstep_spans_several_raises_of_the_dynamic_weight(plan):
    dynamic = next(s for s in RECIPE.strategies if s.weight == "dynamic")
    with one_thread_each(()):
        found = run_lockstep(
            SOURCES[plan.name](**plan.source),
            plan,
            dynamic,
            RECIPE,
            backends=("numpy",),
            device="cpu",
        )
    assert len(set(found["pos_weight"])) >= 4
    assert found["horizon"] == len(found["bound"]) >= 200
