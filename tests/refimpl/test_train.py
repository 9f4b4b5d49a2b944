from dataclasses import replace

import numpy as np
import pytest

import refimpl
from refimpl import GHMState
from refimpl.layers import dropout
from refimpl.train import Trainer
from tests.stacked import MODELS, SETTINGS, STEPS, reference_loss, stacked

TASKS = ("binary", "multilabel", "multiclass", "heatmap")


def make(problem, loss=None, **settings):
    chosen = loss or reference_loss(problem.loss)
    return Trainer(*problem.given, loss=chosen, **{**SETTINGS, **settings})


def forward(parameters, features, masks, rate):
    """Computes logits one model, one layer after the other."""
    kernel, bias, last, own = parameters
    hidden = np.tanh(features @ kernel + bias)
    for mask in masks:
        hidden = np.where(mask, hidden / (1.0 - rate), 0.0)
    output = hidden @ last + own
    return output[..., 0] if output.shape[-1] == 1 else output


def objective(problem, model, parameters, rate=0.0):
    """Computes J of the first update of a model."""
    rows = problem.rows[model, 0]
    masks = [mask[model, 0] for mask in problem.feed["masks"]]
    weights = problem.feed["weights"]
    told = None if weights is None else weights[model, 0]
    logits = forward(parameters, problem.features[rows], masks, rate)
    loss = reference_loss(problem.loss)
    values = loss(logits, problem.labels[rows], told, ())[0]
    per_example = values.reshape(len(rows), -1).sum(axis=1)
    return float((problem.feed["coefficients"][model, 0] * per_example).sum())


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("rate", [0.0, 0.25])
def test_objective_and_norm_are_as_defined(task, rate):
    problem = stacked(task, dropout=0.0 if task == "heatmap" else rate)
    losses, norms = make(problem, dropout=rate).run(problem.rows, **problem.feed)
    for model in range(MODELS):
        own = [p[model] for p in problem.parameters]
        assert losses[model, 0] == pytest.approx(objective(problem, model, own, rate))
        square = 0.0
        for position, array in enumerate(own):
            for place in np.ndindex(array.shape):
                ends = []
                for step in (1e-5, -1e-5):
                    moved = [p.copy() for p in own]
                    moved[position][place] += step
                    ends.append(objective(problem, model, moved, rate))
                square += ((ends[0] - ends[1]) / 2e-5) ** 2
        # Central differences at 1e-5 are right to some 1e-9.
        assert norms[model, 0] == pytest.approx(np.sqrt(square), rel=1e-7)


@pytest.mark.parametrize("task", TASKS)
def test_models_of_a_stack_do_not_touch_each_other(task):
    problem = stacked(task)
    losses, _ = make(problem).run(problem.rows, **problem.feed)
    for model in range(MODELS):
        own = slice(model, model + 1)
        alone = replace(problem, parameters=[p[own] for p in problem.parameters])
        feed = dict(problem.feed, coefficients=problem.feed["coefficients"][own])
        if feed["weights"] is not None:
            feed["weights"] = feed["weights"][own]
        found, _ = make(alone).run(problem.rows[own], **feed)
        np.testing.assert_allclose(found[0], losses[model], rtol=1e-13)


def test_steps_in_two_runs_equal_one_run():
    problem = stacked(dropout=0.25)
    whole, halves = make(problem, dropout=0.25), make(problem, dropout=0.25)
    whole.run(problem.rows, **problem.feed)
    for part in (slice(None, 5), slice(5, None)):
        feed = {
            "coefficients": problem.feed["coefficients"][:, part],
            "weights": problem.feed["weights"][:, part],
            "rates": problem.feed["rates"][part],
            "masks": [mask[:, part] for mask in problem.feed["masks"]],
        }
        halves.run(problem.rows[:, part], **feed)
    for a, b in zip(whole.parameters(), halves.parameters(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_parameters_belong_to_the_caller():
    trainer = make(stacked())
    trainer.parameters()[0][:] = 0.0
    assert trainer.parameters()[0].any()


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "sgd"])
def test_an_update_is_that_of_the_optimizer_at_its_rate(optimizer):
    constants = {
        "adam": SETTINGS["constants"],
        "adamw": SETTINGS["constants"],
        "rmsprop": {
            "learning_rate": 1e-2,
            "decay": 0.9,
            "eps": 1e-8,
            "eps_inside_root": False,
            "centered": False,
            "momentum": 0.5,
            "weight_decay": 0.01,
        },
        "sgd": {
            "learning_rate": 0.1,
            "momentum": 0.9,
            "nesterov": False,
            "weight_decay": 0.01,
        },
    }[optimizer]
    problem = stacked()
    still = make(problem, optimizer=optimizer, constants=constants)
    still.run(problem.rows, **{**problem.feed, "rates": np.zeros(STEPS)})
    for before, after in zip(problem.parameters, still.parameters(), strict=True):
        np.testing.assert_array_equal(before, after)
    once = make(problem, optimizer=optimizer, constants=constants)
    twice = make(problem, optimizer=optimizer, constants=constants)
    first = {**problem.feed, "rates": np.ones(1)}
    once.run(problem.rows, **first)
    twice.run(problem.rows, **{**first, "rates": np.full(1, 2.0)})
    rows = zip(problem.parameters, once.parameters(), twice.parameters(), strict=True)
    for before, after, far in rows:
        assert (after != before).any()
        np.testing.assert_allclose(far - before, 2 * (after - before), atol=1e-15)


def test_state_of_a_loss_is_carried_model_by_model():
    problem = stacked()
    problem.feed["weights"] = None

    def ghmc(logits, labels, _weights, state):
        told = {"momentum": 0.75, "reduction": "none"}
        values, new = refimpl.ghmc_loss(logits, labels, GHMState(*state), **told)
        slope = refimpl.ghmc_loss_grad(logits, labels, GHMState(*state), momentum=0.75)
        return values, slope, tuple(new)

    state = [np.zeros((MODELS, 10)), np.zeros((MODELS, 10), np.int64)]
    trainer = make(problem, ghmc, state=state)
    losses, _ = trainer.run(problem.rows, **problem.feed)
    fresh = make(problem, lambda *args: (*ghmc(*args)[:2], args[3]), state=state)
    forgetful, _ = fresh.run(problem.rows, **problem.feed)
    np.testing.assert_array_equal(losses[:, 0], forgetful[:, 0])
    assert (losses[:, 1:] != forgetful[:, 1:]).any(axis=1).all()


def test_half_precision_loses_gradients_that_the_scale_saves():
    problem = stacked()
    problem.feed["coefficients"] = np.full(problem.rows.shape, 1e-9)
    _, exact = make(problem).run(problem.rows, **problem.feed)
    _, lost = make(problem, loss_scale=1.0).run(problem.rows, **problem.feed)
    _, kept = make(problem, loss_scale=2.0**24).run(problem.rows, **problem.feed)
    assert (lost == 0.0).all()
    np.testing.assert_allclose(kept[:, 0], exact[:, 0], rtol=2e-3)
    assert (kept[:, 0] != exact[:, 0]).all()
    _, over = make(problem, loss_scale=2.0**60).run(problem.rows, **problem.feed)
    assert not np.isfinite(over).any()


def test_nothing_is_clipped_without_a_norm():
    problem = stacked()
    free, tight = make(problem, max_norm=None), make(problem, max_norm=1e-3)
    norms = [t.run(problem.rows, **problem.feed)[1][:, 0] for t in (free, tight)]
    np.testing.assert_allclose(*norms, rtol=1e-15)
    # Adam's first update hides the size of the gradient; its second does not.
    assert (free.parameters()[0] != tight.parameters()[0]).any()


def test_dropout_is_that_of_the_layer():
    problem = stacked(dropout=0.5)
    (mask,) = problem.feed["masks"]
    hidden = np.ones(mask.shape)
    assert set(np.unique(dropout(hidden, mask, rate=0.5))) == {0.0, 2.0}
    with_mask, _ = make(problem, dropout=0.5).run(problem.rows, **problem.feed)
    without, _ = make(problem).run(problem.rows, **{**problem.feed, "masks": ()})
    assert (with_mask[:, 0] != without[:, 0]).all()
