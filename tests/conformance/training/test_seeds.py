from dataclasses import replace

import numpy as np
import pytest

from conformance.training.backends import make_trainer
from conformance.training.seeds import run_seeds
from conformance.training.session import Session

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
    sizes = []

    def make(backend, strategy, optimizer, parameters, train, **place):
        sizes.append((len(train.labels), train.labels.mean()))
        return make_trainer(backend, strategy, optimizer, parameters, train, **place)

    own = replace(strategies["plain"], resampling="oversample")
    found = run(problem, plan, own, recipe, make=make)
    assert sizes == [(400, 0.5)]
    assert found["trained"]


class Scripted:
    """A trainer whose parameters count its updates, right where it is told to be."""

    def __init__(self, problem, right=()):
        self.problem, self.right, self.updates = problem, right, 0

    def run(self, rows, **_told):
        self.updates += 1
        ones = np.ones(rows.shape[:2])
        return ones, ones

    def logits(self, features):
        part = self.problem.validation
        right = features is part.features and self.updates in self.right
        labels = part.labels if right else 1.0 - part.labels
        return 2.0 * np.resize(labels, (1, len(features))) - 1.0

    def parameters(self):
        return [np.full((1, 1), float(self.updates))]


def session(trainer, problem, plan, strategy):
    built = []

    def build(parameters):
        built.append(parameters)
        return trainer

    first = [np.zeros((1, 1))]
    made = Session(
        build, first, seeds=[0], problem=problem, plan=plan, strategy=strategy
    )
    return made, built


def test_schedule_sees_the_validation_part_only(problem, plan, strategies):
    trainer = Scripted(problem, right=(2,))
    made, _ = session(trainer, problem, plan, strategies["dynamic"])
    for epoch in range(4):
        made.train(made.feed(epoch))
        made.end_epoch()
    assert made.history == [[1.0], [1.0], [1.0], [1.5]]


@pytest.mark.parametrize(("right", "best"), [((2,), 2.0), ((2, 5), 2.0), ((), 1.0)])
def test_early_stopping_keeps_the_best_epoch(problem, plan, strategies, right, best):
    trainer = Scripted(problem, right=right)
    strategy = replace(strategies["plain"], patience=2)
    made, built = session(trainer, problem, plan, strategy)
    for epoch in range(6):
        made.train(made.feed(epoch))
        made.end_epoch()
    # Epoch 5 comes too late: two epochs without an improvement have stopped it.
    assert made.outcome() is trainer
    assert built[-1][0].item() == best
