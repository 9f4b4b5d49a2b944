"""The outcomes that are kept are those of the recipes as they stand, and all agree."""

import json

import numpy as np
import pytest

from conformance.training.ledger.runs import RECORDS
from conformance.training.recipes import RECIPES

every_recipe = pytest.mark.parametrize("name", RECIPES)


def record(name):
    return json.loads((RECORDS / f"{name}.json").read_text(encoding="utf-8"))


@every_recipe
def test_record_is_of_the_recipe_as_it_stands(name):
    kept = record(name)
    recipe = RECIPES[name].with_seeds(len(kept["seeds"]))
    assert kept["digest"] == recipe.digest()
    assert kept["recipe"] == recipe.as_dict()
    assert not kept["quick"]
    assert set(kept["data"]) == {plan.name for plan in recipe.data}


@every_recipe
def test_every_strategy_walks_in_lockstep_to_its_horizon(name):
    for found in record(name)["data"].values():
        for cell in found["lockstep"].values():
            assert cell["verdict"] == {"torch": "pass", "jax": "pass"}
            assert cell["horizon"] >= RECIPES[name].lockstep.minimum_steps
            assert cell["first_failure"] == {"torch": None, "jax": None}


@every_recipe
def test_torch_and_jax_are_equivalent_within_forty_seeds(name):
    kept = record(name)
    for plan in RECIPES[name].data:
        found = kept["data"][plan.name]
        rows = [r for r in found["equivalence"] if r["first"] == "torch"]
        strategies = RECIPES[name].for_data(plan).strategies
        assert [row["strategy"] for row in rows] == [s.name for s in strategies]
        for row in rows:
            assert row["second"] == "jax"
            assert row["verdict"] == "equivalent"
            assert 8 <= row["n"] <= 40


@every_recipe
def test_kept_runs_trained_and_differ_by_seed(name):
    for found in record(name)["data"].values():
        for by_strategy in found["seeds"].values():
            for cell in by_strategy.values():
                assert cell["trained"]
                spreads = [np.ptp(values) for values in cell["metrics"].values()]
                assert max(spreads) > 0.0
