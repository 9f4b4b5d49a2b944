"""The loop over epochs, around a trainer that does as it is told."""

from dataclasses import replace

import numpy as np
import pytest

from conformance.training import feed
from conformance.training.recipe import Rate, Strategy
from conformance.training.session import Session
from refimpl import binary_cross_entropy_with_logits as bce


class Scripted:
    """A trainer whose parameters count its updates.

    The logits of a model are right on a part after so many updates, and wrong else.
    """

    def __init__(self, problem, *, right=((),), part="validation"):
        self.right, self.part, self.updates = right, getattr(problem, part), 0
        self.loss, self.norm = 1.0, 1.0

    def run(self, rows, **_told):
        self.updates += 1
        ones = np.ones(rows.shape[:2])
        return self.loss * ones, self.norm * ones

    def logits(self, features):
        signs = 2.0 * np.resize(self.part.labels, len(features)) - 1.0
        own = features is self.part.features
        return np.stack(
            [signs if own and self.updates in when else -signs for when in self.right]
        )

    def parameters(self):
        return [np.full((len(self.right), 1), float(self.updates))]


def session(trainer, problem, plan, strategy):
    built = []

    def build(parameters):
        built.append(parameters)
        return trainer

    models = len(trainer.right)
    made = Session(
        build,
        [np.zeros((models, 1))],
        seeds=[0] * models,
        problem=problem,
        plan=plan,
        strategy=strategy,
    )
    return made, built


def trained(made, epochs):
    for epoch in range(epochs):
        made.train(made.feed(epoch))
        made.end_epoch()


def test_feed_is_that_of_the_epoch_and_the_strategy(problem, plan, strategies):
    strategy = replace(
        strategies["inverse"],
        divisor="weights",
        sampler="balanced",
        dropout=0.25,
        rate=Rate("warmup_factor", (("steps", 10), ("first", 0.0))),
    )
    made, _ = session(Scripted(problem), problem, plan, strategy)
    rows = feed.batches([0], 3, problem, plan, "balanced")[:, :4]
    told = made.feed(3, 4)
    np.testing.assert_array_equal(told.rows, rows)
    np.testing.assert_array_equal(told.weights, np.full((1, 4), 5.0))
    np.testing.assert_allclose(told.rates, [0.3] * 4)
    labels = problem.train.labels[rows]
    expected = feed.coefficients(strategy, labels, told.weights)
    np.testing.assert_array_equal(told.coefficients, expected)
    expected = feed.masks(strategy, [0], 3, rows, plan.hidden)
    np.testing.assert_array_equal(told.masks, expected)
    assert made.feed(3).rows.shape[1] == 10


def test_schedule_sees_the_validation_part_only(problem, plan, strategies):
    trainer = Scripted(problem, right=((2,),))
    made, _ = session(trainer, problem, plan, strategies["dynamic"])
    trained(made, 4)
    assert made.history == [[1.0], [1.0], [1.0], [1.5]]


@pytest.mark.parametrize(("right", "best"), [((2,), 2.0), ((2, 5), 2.0), ((), 1.0)])
def test_early_stopping_keeps_the_best_epoch(problem, plan, strategies, right, best):
    trainer = Scripted(problem, right=(right, (1,)))
    strategy = replace(strategies["plain"], patience=2)
    made, built = session(trainer, problem, plan, strategy)
    trained(made, 6)
    # Epoch 5 comes too late: two epochs without an improvement have stopped it.
    assert made.outcome() is trainer
    assert built[-1][0].ravel().tolist() == [best, 1.0]


@pytest.mark.parametrize(
    ("loss", "norm", "alive"),
    [(1.0, 1.0, True), (np.nan, 1.0, False), (1.0, np.inf, False), (1.0, 0.0, False)],
)
def test_a_lost_update_is_no_training(problem, plan, strategies, loss, norm, alive):
    trainer = Scripted(problem, right=((1, 2, 3),), part="train")
    made, _ = session(trainer, problem, plan, strategies["plain"])
    for trainer.loss, trainer.norm in ((1.0, 1.0), (loss, norm), (1.0, 1.0)):
        made.train(made.feed(0))
    assert made.progress(0.05)["trained"] is alive


def test_every_model_must_lose_its_share_of_the_loss(problem, plan, strategies):
    trainer = Scripted(problem, right=((1,), ()), part="train")
    made, _ = session(trainer, problem, plan, strategies["plain"])
    made.train(made.feed(0))
    assert not made.progress(0.05)["trained"]
    assert made.progress(0.0)["trained"]


def test_progress_is_under_the_last_weight_of_each_model(problem, plan, strategies):
    trainer = Scripted(problem, right=((2,), ()))
    made, _ = session(trainer, problem, plan, strategies["dynamic"])
    trained(made, 3)
    assert made.history[-1] == [1.0, 1.5]
    part = problem.train
    logits = trainer.logits(part.features)
    expected = [
        bce(own, part.labels, pos_weight=weight)
        for own, weight in zip(logits, (1.0, 1.5), strict=True)
    ]
    np.testing.assert_allclose(made.progress(0.05)["loss_after"], expected)


@pytest.mark.parametrize("name", ["ghmc_loss", "ghmc_as_printed"])
def test_progress_of_a_loss_that_remembers_is_cross_entropy(problem, plan, name):
    trainer = Scripted(problem)
    made, _ = session(trainer, problem, plan, Strategy("ghm", name))
    part = problem.train
    expected = [bce(own, part.labels) for own in trainer.logits(part.features)]
    np.testing.assert_allclose(made.progress(0.05)["loss_before"], expected)


def test_progress_of_another_loss_is_its_own(problem, plan, strategies):
    made, _ = session(Scripted(problem), problem, plan, strategies["adaptive"])
    made.feed(0)
    plain, _ = session(Scripted(problem), problem, plan, strategies["inverse"])
    plain.feed(0)
    found, other = (one.progress(0.05)["loss_before"] for one in (made, plain))
    assert found[0] < other[0]
