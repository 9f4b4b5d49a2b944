from dataclasses import replace

import numpy as np
import pytest

from conformance.training.backends import make_trainer
from conformance.training.seeds import run_seeds
from conformance.training.session import Session, batches, first_parameters


def run(problem, plan, strategy, recipe, backend="numpy", **options):
    return run_seeds(
        problem, plan, strategy, recipe, backend=backend, device="cpu", **options
    )


@pytest.mark.parametrize("backend", ["numpy", "torch", "jax"])
def test_every_seed_is_measured(problem, plan, recipe, strategies, backend):
    found = run(problem, plan, strategies["dynamic"], recipe, backend)
    assert found["trained"]
    assert all(len(values) == recipe.seeds for values in found["metrics"].values())
    assert len(set(found["metrics"]["average_precision"])) > 1
    assert np.shape(found["pos_weight"]) == (plan.epochs, recipe.seeds)
    assert found["pos_weight"][0] == [1.0] * recipe.seeds


def test_ratio_is_counted_on_the_training_part(problem, plan, recipe, strategies):
    found = run(problem, plan, strategies["inverse"], recipe)
    assert set(np.ravel(found["pos_weight"])) == {5.0}


def test_a_seed_does_not_depend_on_the_others(problem, plan, recipe, strategies):
    alone = run(problem, plan, strategies["plain"], replace(recipe, seeds=1))
    among = run(problem, plan, strategies["plain"], recipe)
    for name, values in alone["metrics"].items():
        assert values[0] == pytest.approx(among["metrics"][name][0], rel=1e-9)


def test_still_model_has_not_trained(problem, plan, recipe, strategies):
    still = replace(recipe, optimizer=replace(recipe.optimizer, learning_rate=0.0))
    assert not run(problem, plan, strategies["plain"], still)["trained"]


def test_one_vanished_gradient_is_noticed(problem, plan, recipe, strategies):
    def make(*args, **kwargs):
        trainer = make_trainer(*args, **kwargs)
        honest, calls = trainer.run, []

        def run(indices, pos_weight):
            losses, norms = honest(indices, pos_weight)
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
    assert found["pos_weight"][-1] == [3.5] * recipe.seeds


def test_order_covers_the_epoch_and_differs_by_seed_and_epoch(problem, plan):
    order = batches([0, 1], 0, problem, plan)
    assert order.shape == (2, 10, 24)
    assert (np.sort(order.reshape(2, -1)) == np.arange(240)).all()
    assert (order[0] != order[1]).any()
    assert (order != batches([0, 1], 1, problem, plan)).any()
    np.testing.assert_array_equal(order[1:], batches([1], 0, problem, plan))


def test_first_parameters_are_drawn_by_seed(problem, plan):
    both = first_parameters([3, 4], problem, plan)
    assert (both[0][0] != both[0][1]).any()
    for stacked, own in zip(both, first_parameters([4], problem, plan), strict=True):
        np.testing.assert_array_equal(stacked[1], own[0])


def test_schedule_sees_the_validation_part_only(problem, recipe, strategies):
    class Perfect:
        """Right on validation after the second epoch, wrong everywhere else."""

        epochs = 0

        def run(self, indices, pos_weight):
            self.epochs += 1
            ones = np.ones((len(pos_weight), indices.shape[1]))
            return ones, ones

        def logits(self, features):
            part = problem.validation
            right = features is part.features and self.epochs == 2
            labels = part.labels if right else 1.0 - part.labels
            return 2.0 * np.resize(labels, (1, len(features))) - 1.0

        def parameters(self):
            return []

    session = Session(Perfect(), strategies["dynamic"], recipe.dynamic, problem)
    for _ in range(4):
        session.train(np.zeros((1, 1, 1), int))
        session.end_epoch()
    assert session.history == [[1.0], [1.0], [1.0], [1.5]]
