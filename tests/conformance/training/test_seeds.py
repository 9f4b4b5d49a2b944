from dataclasses import replace

import numpy as np
import pytest

from conformance.training.backends import make_trainer
from conformance.training.seeds import run_seeds

SEEDS = list(range(8))


def run(problem, plan, strategy, recipe, backend="numpy", seeds=SEEDS, **options):
    return run_seeds(
        problem,
        plan,
        strategy,
        recipe,
        backend=backend,
        device="cpu",
        seeds=seeds,
        **options,
    )


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_every_seed_is_measured(problem, plan, recipe, strategies, backend):
    found = run(problem, plan, strategies["dynamic"], recipe, backend)
    assert found["trained"]
    assert found["seeds"] == SEEDS
    for kind in ("metrics", "theory"):
        assert found[kind]
        assert all(len(values) == len(SEEDS) for values in found[kind].values())
    assert len(set(found["metrics"]["average_precision"])) > 1
    assert np.shape(found["weights"]) == (plan.epochs, len(SEEDS))
    assert found["weights"][0] == [1.0] * len(SEEDS)


def test_ratio_is_counted_on_the_training_part(problem, plan, recipe, strategies):
    found = run(problem, plan, strategies["inverse"], recipe)
    assert set(np.ravel(found["weights"])) == {5.0}


def test_a_seed_does_not_depend_on_the_others(problem, plan, recipe, strategies):
    alone = run(problem, plan, strategies["plain"], recipe, seeds=[3])
    among = run(problem, plan, strategies["plain"], recipe)
    for name, values in alone["metrics"].items():
        assert values[0] == pytest.approx(among["metrics"][name][3], rel=1e-9)


def test_still_model_has_not_trained(problem, plan, recipe, strategies):
    still = recipe.optimizer.with_constants(learning_rate=0.0)
    changed = replace(recipe, optimizer=still)
    assert not run(problem, plan, strategies["plain"], changed)["trained"]


def test_strategy_may_bring_an_optimizer(problem, plan, recipe, strategies):
    still = recipe.optimizer.with_constants(learning_rate=0.0)
    own = replace(strategies["plain"], optimizer=still)
    assert not run(problem, plan, own, recipe)["trained"]


def test_one_vanished_gradient_is_noticed(problem, plan, recipe, strategies):
    def make(*args, **kwargs):
        trainer = make_trainer(*args, **kwargs)
        honest, calls = trainer.run, []

        def run(rows, **told):
            losses, norms = honest(rows, **told)
            calls.append(1)
            norms[3, -1] *= len(calls) != 2
            return losses, norms

        trainer.run = run
        return trainer

    assert not run(problem, plan, strategies["plain"], recipe, make=make)["trained"]


def test_diverged_model_has_not_trained(problem, plan, recipe, strategies):
    def make(*args, **kwargs):
        trainer = make_trainer(*args, **kwargs)
        honest = trainer.logits
        trainer.logits = lambda features: np.nan * honest(features)
        return trainer

    found = run(problem, plan, strategies["dynamic"], recipe, make=make)
    assert not found["trained"]
    assert np.isnan(found["metrics"]["f1_half"]).all()
    # NaN never improves: the weight rises after every epoch.
    assert found["weights"][-1] == [3.5] * len(SEEDS)


def test_resampled_training_is_measured_on_the_data_as_they_are(
    problem, plan, recipe, strategies
):
    sizes, last = [], []

    def make(backend, strategy, optimizer, parameters, train, **place):
        sizes.append((len(train.labels), train.labels.mean()))
        made = make_trainer(backend, strategy, optimizer, parameters, train, **place)
        honest = made.run

        def run(rows, **told):
            last.append(rows.max())
            return honest(rows, **told)

        made.run = run
        return made

    own = replace(strategies["plain"], resampling="oversample")
    found = run(problem, plan, own, recipe, make=make)
    assert sizes == [(400, 0.5)]
    assert max(last) == 399
    assert found["trained"]


def test_best_epoch_is_measured(problem, plan, recipe, strategies):
    # The first epoch without an improvement is the last that counts.
    best = run(problem, plan, replace(strategies["plain"], patience=1), recipe)
    last = run(problem, plan, strategies["plain"], recipe)
    assert best["metrics"]["auc"] != last["metrics"]["auc"]
    assert best["loss_after"] == last["loss_after"]
