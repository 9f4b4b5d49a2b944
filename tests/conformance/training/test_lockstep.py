from dataclasses import replace

import numpy as np
import pytest

from conformance.training.lockstep import run_lockstep

NAMES = ("plain", "inverse", "dynamic", "adaptive", "adaptive-article")


@pytest.fixture
def lockstep(problem, plan, recipe, strategies):
    def run(name="adaptive", backends=("torch",), changed=recipe, **planned):
        strategy = strategies[name]
        return run_lockstep(
            problem,
            replace(plan, **planned),
            strategy,
            changed,
            backends=backends,
            device="cpu",
        )

    return run


@pytest.mark.parametrize("name", NAMES)
def test_all_backends_pass(lockstep, name):
    found = lockstep(name, ("numpy", "torch", "jax"))
    assert found["verdict"] == {"torch": "pass", "jax": "pass"}
    assert found["horizon"] == len(found["bound"]) == 60
    # Different programs: distances that are all zero would be a comparison of nothing.
    assert all(max(distances) > 0.0 for distances in found["distances"].values())


def test_dynamic_weight_is_updated_on_the_way(lockstep):
    assert len(set(lockstep("dynamic")["weights"])) >= 3


@pytest.mark.parametrize(
    ("epochs", "batches", "updates"), [(1, None, 30), (4, 10, 40), (2, 4, 32)]
)
def test_there_are_enough_updates_to_judge(lockstep, epochs, batches, updates):
    found = lockstep("dynamic", lockstep_epochs=epochs, lockstep_batches=batches)
    assert found["horizon"] == len(found["bound"]) == updates
    assert len(found["weights"]) == updates // (batches or 10)
    assert found["verdict"] == {"torch": "pass"}


def test_two_dead_programs_agree_and_do_not_pass(lockstep, recipe):
    still = replace(
        recipe, optimizer=recipe.optimizer.with_constants(learning_rate=0.0)
    )
    found = lockstep(changed=still)
    assert max(found["distances"]["torch"]) <= found["bound"][0]
    assert found["verdict"] == {"torch": "dead"}


def test_recipe_whose_shadows_leave_early_is_rejected(lockstep, recipe):
    strict = replace(recipe, lockstep=replace(recipe.lockstep, horizon=1e-17))
    found = lockstep(changed=strict)
    assert found["horizon"] < 30
    assert found["verdict"] == {"torch": "chaotic"}


def test_shadow_never_falls_and_bounds_as_documented(lockstep):
    found = lockstep()
    shadow = np.array(found["shadow"])
    assert (np.diff(shadow) >= 0.0).all()
    assert shadow[0] > 0.0
    expected = 8.0 * np.maximum(shadow, 64.0 * 2.0**-53)
    np.testing.assert_array_equal(found["bound"], expected)
