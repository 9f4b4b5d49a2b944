"""Every recipe on data of the user's: few examples, and classes unlike its own."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.training.data import user_file
from conformance.training.lockstep import run_lockstep
from conformance.training.recipes import RECIPES
from conformance.training.seeds import run_seeds
from conformance.training.verdicts import contrasts

GENERATOR = np.random.default_rng(3)
BINARY = np.repeat([0, 1], [70, 20])
MANY = np.repeat([0, 1, 2, 3], [50, 20, 12, 8])
LABELS = (np.arange(90)[:, None] % [3, 5]) == 0
CASES = [
    ("pos_weight", BINARY),
    ("multilabel", LABELS),
    ("smoothing", BINARY),
    ("smoothing", MANY),
    ("stability", BINARY),
    ("extreme", BINARY),
]


@pytest.mark.parametrize(("name", "labels"), CASES)
def test_few_examples_are_enough(tmp_path, name, labels):
    seen = labels.reshape(len(labels), -1)
    features = GENERATOR.normal(size=(len(labels), 4)) + seen @ np.ones(
        (seen.shape[1], 4)
    )
    np.savez(tmp_path / "file.npz", X=features, y=labels)
    recipe = RECIPES[name].quick()
    plan = replace(recipe.user_data, epochs=1)
    problem = user_file(tmp_path / "file.npz", task=recipe.task, **plan.options)
    recipe, cells = recipe.for_data(plan), {}
    assert len(recipe.strategies) > 5
    for strategy in recipe.strategies:
        told = problem, plan, strategy, recipe
        lockstep = run_lockstep(*told, backends=("numpy",), device="cpu")
        assert lockstep["horizon"] >= recipe.lockstep.minimum_steps
        cells[strategy.name] = run_seeds(
            *told, backend="numpy", device="cpu", seeds=(0, 1)
        )
    rows = contrasts({"numpy": cells}, recipe, plan.margin)
    assert recipe.statistics.main_metric in {row["metric"] for row in rows}


def test_heads_of_a_detector_are_not_for_binary_data():
    extreme = RECIPES["extreme"]
    own = {strategy.name for strategy in extreme.strategies}
    left = {
        strategy.name for strategy in extreme.for_data(extreme.user_data).strategies
    }
    assert own - left == {"heatmap-bce", "heatmap-focal", "heatmap-penalty"}
