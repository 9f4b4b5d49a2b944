import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it

import torch_impl
from tests.stacked import (
    ADAMW,
    BATCH,
    MODELS,
    ROWS,
    SETTINGS,
    STEPS,
    framework_loss,
    stacked,
)
from torch_impl import train
from torch_impl.models import MLP
from torch_impl.models.mlp import to_state
from torch_impl.train import Trainer, highest_precision

TASKS = ("binary", "multilabel", "multiclass", "heatmap")


def make(problem, **changed):
    options = {
        "loss": framework_loss(torch_impl, problem.loss),
        "dtype": "float64",
        "device": "cpu",
        **SETTINGS,
        **changed,
    }
    return Trainer(*problem.given, **options)


def usual_values(problem, logits, labels, weights):
    """What torch itself, or the formula of the paper, makes of a batch."""
    if problem.loss == "cross_entropy":
        return F.cross_entropy(logits, labels, weight=weights, reduction="none")
    if problem.loss == "heatmap_focal_loss":
        p = torch.sigmoid(logits)
        around = -((1 - labels) ** 4) * p**2 * torch.log(1 - p)
        return torch.where(labels == 1, -((1 - p) ** 2) * torch.log(p), around).sum(1)
    values = F.binary_cross_entropy_with_logits(
        logits, labels, pos_weight=weights, reduction="none"
    )
    return values.flatten(1).sum(1) if values.ndim > 1 else values


def usual_loop(problem, index, rate):
    """One model the usual way: module, backward, clip_grad_norm_, step."""
    sizes = (4, *(bias.shape[-1] for bias in problem.parameters[1::2]))
    model = MLP(sizes, dtype=torch.float64)
    own = to_state([p[index] for p in problem.parameters])
    model.load_state_dict({name: torch.tensor(a) for name, a in own.items()})
    optimizer = torch.optim.AdamW(
        model.parameters(),
        betas=(ADAMW["beta1"], ADAMW["beta2"]),
        eps=ADAMW["eps"],
        weight_decay=ADAMW["weight_decay"],
    )
    losses, norms = [], []
    for step, rows in enumerate(problem.rows[index]):
        for group in optimizer.param_groups:
            group["lr"] = ADAMW["learning_rate"] * problem.feed["rates"][step]
        optimizer.zero_grad()
        masks = [torch.tensor(m[index, step]) for m in problem.feed["masks"]]
        logits = model(torch.tensor(problem.features[rows]), masks, rate=rate)
        weights = problem.feed["weights"]
        values = usual_values(
            problem,
            logits[..., 0] if logits.shape[-1] == 1 else logits,
            torch.tensor(problem.labels[rows]),
            None if weights is None else torch.tensor(weights[index, step]),
        )
        factors = torch.tensor(problem.feed["coefficients"][index, step])
        loss = (factors * values).sum()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)))
        optimizer.step()
        losses.append(loss.item())
    return model, losses, norms


@pytest.mark.parametrize(
    ("task", "rate"), [*((task, 0.0) for task in TASKS), ("multiclass", 0.25)]
)
def test_stack_equals_the_usual_loop(task, rate):
    problem = stacked(task, dropout=rate, hidden=(5, 3) if rate else (5,))
    trainer = make(problem, dropout=rate)
    losses, norms = trainer.run(problem.rows, **problem.feed)
    assert norms.max() > SETTINGS["max_norm"]  # or clipping would go untested
    for index in range(MODELS):
        model, expected_losses, expected_norms = usual_loop(problem, index, rate)
        # Two orders of summation over a dozen updates.
        np.testing.assert_allclose(losses[index], expected_losses, rtol=1e-12)
        np.testing.assert_allclose(norms[index], expected_norms, rtol=1e-12)
        for own, parameter in zip(
            trainer.parameters(), model.parameters(), strict=True
        ):
            expected = parameter.detach().numpy().T
            np.testing.assert_allclose(own[index], expected, rtol=1e-11, atol=1e-13)
        logits = model(torch.tensor(problem.features)).detach().numpy()
        found = trainer.logits(problem.features)[index]
        expected = logits.reshape(found.shape)
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


def test_steps_in_two_runs_equal_one_run():
    problem = stacked()
    whole, halves = make(problem), make(problem)
    whole.run(problem.rows, **problem.feed)
    for part in (slice(None, 5), slice(5, None)):
        feed = {
            "coefficients": problem.feed["coefficients"][:, part],
            "weights": problem.feed["weights"][:, part],
            "rates": problem.feed["rates"][part],
            "masks": (),
        }
        halves.run(problem.rows[:, part], **feed)
    for a, b in zip(whole.parameters(), halves.parameters(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("batch", "weighted"), [(4, True), (BATCH, False)])
def test_traced_program_follows_batch_and_weights(batch, weighted):
    problem = stacked()
    other = {
        **problem.feed,
        "coefficients": problem.feed["coefficients"][..., :batch],
        "weights": problem.feed["weights"] if weighted else None,
    }
    changing, fresh = make(problem), make(problem)
    for trainer in (changing, fresh):
        trainer.run(problem.rows[..., :batch], **other)
    fresh._programs.clear()
    doubled = {**problem.feed, "weights": 2.0 * problem.feed["weights"]}
    for trainer in (changing, fresh):
        trainer.run(problem.rows, **doubled)
    for a, b in zip(changing.parameters(), fresh.parameters(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_program_is_traced_once(monkeypatch):
    problem, traced = stacked(), []

    def make_fx(function):
        traced.append(function)
        return lambda *_: function

    monkeypatch.setattr(train, "make_fx", make_fx)
    make(problem).run(problem.rows, **problem.feed)
    assert STEPS > len(traced) == 1


@pytest.mark.parametrize("task", TASKS)
def test_many_rows_are_those_of_few(task):
    problem = stacked(task)
    trainer, features = make(problem), problem.features
    many = np.resize(features, (train.ROWS + ROWS, *features.shape[1:]))
    found = trainer.logits(many)
    expected = trainer.logits(features)
    assert found.shape == (MODELS, len(many), *expected.shape[2:])
    # Other lengths may be summed in another order.
    repeated = np.resize(expected[0], found[0].shape)
    np.testing.assert_allclose(found[0], repeated, rtol=1e-14, atol=1e-15)


def test_arguments_are_left_as_they_are():
    problem, same = stacked(), stacked()
    make(problem).run(problem.rows, **problem.feed)
    for given, copy in zip(problem.parameters, same.parameters, strict=True):
        np.testing.assert_array_equal(given, copy)


def test_precision_flag_is_restored():
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        with highest_precision():
            assert torch.get_float32_matmul_precision() == "highest"
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision(before)
