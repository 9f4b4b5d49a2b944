from dataclasses import replace

import numpy as np
import pytest
import torch

from conformance.training.backends import make_trainer
from conformance.training.lockstep import run_lockstep

NAMES = ("plain", "inverse", "dynamic", "adaptive", "adaptive-article")


class Wrapped:
    """A trainer that a fault is planted into."""

    def __init__(self, trainer):
        self.trainer = trainer

    def run(self, indices, pos_weight):
        return self.trainer.run(indices, pos_weight)

    def logits(self, features):
        return self.trainer.logits(features)

    def parameters(self):
        return self.trainer.parameters()


class BatchesOneLate(Wrapped):
    previous = None

    def run(self, indices, pos_weight):
        now, self.previous = self.previous, indices
        return self.trainer.run(indices if now is None else now, pos_weight)


class RowsReversed(Wrapped):
    def run(self, indices, pos_weight):
        return self.trainer.run(indices[..., ::-1].copy(), pos_weight)


class WeightFrozen(Wrapped):
    def run(self, indices, pos_weight):
        return self.trainer.run(indices, np.ones_like(pos_weight))


class Lost(Wrapped):
    def parameters(self):
        return [np.full_like(p, np.nan) for p in self.trainer.parameters()]


def coupled_decay(trainer):
    settings = trainer._optimizer.param_groups[0]
    names = ("lr", "betas", "eps", "weight_decay")
    trainer._optimizer = torch.optim.Adam(
        settings["params"], **{name: settings[name] for name in names}
    )
    return trainer


def scaled_gradient(trainer):
    gradient = trainer._gradient

    def scaled(*args):
        gradients, loss = gradient(*args)
        return 1.01 * gradients, loss

    trainer._gradient = scaled
    return trainer


def planting(change=None, **constants):
    """Returns a ``make_trainer`` that is wrong for torch only."""

    def make(backend, strategy, optimizer, *args, **kwargs):
        if backend != "torch":
            return make_trainer(backend, strategy, optimizer, *args, **kwargs)
        options = {**dict(strategy.options)}
        if "gamma" in constants:
            options["gamma"] = constants["gamma"]
        strategy = replace(strategy, options=tuple(sorted(options.items())))
        own = {k: v for k, v in constants.items() if k != "gamma"}
        optimizer = replace(optimizer, **own)
        trainer = make_trainer(backend, strategy, optimizer, *args, **kwargs)
        return change(trainer) if change else trainer

    return make


@pytest.fixture
def lockstep(problem, plan, recipe, strategies):
    def run(name="adaptive", backends=("torch",), changed=recipe, **options):
        strategy = strategies[name]
        return run_lockstep(
            problem,
            plan,
            strategy,
            changed,
            backends=backends,
            device="cpu",
            **options,
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
    assert len(set(lockstep("dynamic")["pos_weight"])) >= 3


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (planting(coupled_decay), "adaptive"),
        (planting(scaled_gradient), "adaptive"),
        (planting(BatchesOneLate), "adaptive"),
        (planting(WeightFrozen), "dynamic"),
        (planting(Lost), "adaptive"),
        (planting(gamma=2.002), "adaptive"),
        (planting(gamma=2.0 + 1e-6), "adaptive-article"),
        (planting(clip_eps=0.0, max_norm=1.0), "inverse"),
        (planting(eps=1.01e-8), "plain"),
        (planting(beta2=0.9991), "plain"),
        (planting(learning_rate=0.03 * (1 + 1e-6)), "plain"),
    ],
)
def test_planted_fault_fails(lockstep, fault, name):
    found = lockstep(name, make=fault)
    assert found["verdict"] == {"torch": "fail"}
    assert 1 <= found["first_failure"]["torch"] <= found["horizon"]


def test_order_within_a_batch_is_no_fault(lockstep):
    found = lockstep(make=planting(RowsReversed))
    assert found["verdict"] == {"torch": "pass"}


def test_two_dead_programs_agree_and_do_not_pass(lockstep, recipe):
    still = replace(recipe, optimizer=replace(recipe.optimizer, learning_rate=0.0))
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
