"""Optimisers, states and half precision of the trainer: those of the reference."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jax_impl.train
import refimpl
import torch_impl.train
from refimpl.train import Trainer as Reference
from tests.stacked import MODELS, SETTINGS, framework_loss, reference_loss, stacked

MOMENTUM = {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01}
RMSPROP = {
    "learning_rate": 1e-2,
    "decay": 0.9,
    "eps": 1e-8,
    "eps_inside_root": False,
    "weight_decay": 0.01,
}


TASKS = ("binary", "multilabel", "multiclass", "heatmap")
PACKAGES = {"torch": torch_impl, "jax": jax_impl}
every_package = pytest.mark.parametrize(
    "package", PACKAGES.values(), ids=lambda package: package.__name__
)


@cache
def loss_of(package, name):
    """Returns one object for each loss, so that its programs are shared."""
    return framework_loss(package, name)


def ghmc(package, slope=None):
    """Returns GHM-C with a moving average, for the reference with its gradient."""

    def loss(logits, labels, _weights, state):
        before = package.GHMState(*state)
        told = {"momentum": 0.75}
        values, new = package.ghmc_loss(
            logits, labels, before, reduction="none", **told
        )
        if slope is None:
            return values, tuple(new)
        return values, slope(logits, labels, before, **told), tuple(new)

    return loss


def make(package, problem, **changed):
    """Makes the trainer of a framework."""
    options = {"dtype": "float64", "device": "cpu", **SETTINGS, **changed}
    loss = options.pop("loss", None) or loss_of(package, problem.loss)
    return package.train.Trainer(*problem.given, loss=loss, **options)


def both(package, problem, losses=None, **changed):
    """Trains a stack in a framework and in the reference."""
    reference, own = losses or (reference_loss(problem.loss), None)
    expected = Reference(*problem.given, loss=reference, **{**SETTINGS, **changed})
    actual = make(package, problem, loss=own, **changed)
    traces = [t.run(problem.rows, **problem.feed) for t in (expected, actual)]
    for one, other in zip(*traces, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-11)
    for one, other in zip(expected.parameters(), actual.parameters(), strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-11, atol=1e-13)
    return actual, traces[0]


@every_package
@pytest.mark.parametrize(
    ("optimizer", "constants"),
    [
        ("adam", SETTINGS["constants"]),
        ("adamw", SETTINGS["constants"]),
        ("sgd", {**MOMENTUM, "nesterov": False}),
        ("sgd", {**MOMENTUM, "nesterov": True}),
        ("sgd", {**MOMENTUM, "nesterov": False, "momentum": 0.0}),
        ("rmsprop", {**RMSPROP, "centered": False, "momentum": 0.5}),
        ("rmsprop", {**RMSPROP, "centered": True, "momentum": 0.0}),
    ],
)
def test_optimizers_follow_their_rates(package, optimizer, constants):
    problem = stacked()
    both(package, problem, optimizer=optimizer, constants=constants)
    problem.feed["rates"] = problem.feed["rates"][::-1].copy()
    both(package, problem, optimizer=optimizer, constants=constants)


@every_package
@pytest.mark.parametrize(("task", "hidden"), [("binary", (5,)), ("multilabel", (5, 3))])
def test_dropout_drops_what_it_is_told(package, task, hidden):
    problem = stacked(task, dropout=0.25, hidden=hidden)
    both(package, problem, dropout=0.25)


@every_package
def test_nothing_is_clipped_without_a_norm(package):
    _, (_, norms) = both(package, stacked(), max_norm=None)
    assert norms.max() > SETTINGS["max_norm"]


@every_package
def test_state_of_a_loss_is_carried_and_keeps_its_type(package):
    problem = stacked()
    problem.feed["weights"] = None
    state = [np.zeros((MODELS, 10)), np.zeros((MODELS, 10), np.int64)]
    losses = ghmc(refimpl, refimpl.ghmc_loss_grad), ghmc(package)
    trainer, _ = both(package, problem, losses, state=state)
    carried = trainer._state if package is torch_impl else trainer._carry[2]
    counts, updates = (np.asarray(part) for part in carried)
    assert (counts.dtype, updates.dtype) == (np.float64, np.int64)
    assert updates.max() > 1


@every_package
@pytest.mark.parametrize(
    ("task", "scale"),
    [
        ("binary", 1.0),
        ("multilabel", 1024.0),
        ("multiclass", 1024.0),
        ("heatmap", 2.0**40),
    ],
)
def test_half_precision_is_that_of_the_reference(package, task, scale):
    problem = stacked(task)
    # Small enough for subnormal gradients without a scale.
    problem.feed["coefficients"] *= 1e-5
    if scale > 1024:
        # What overflows leaves no finite parameter.
        problem.feed["coefficients"] *= 1e-7
    _, (_, norms) = both(package, problem, loss_scale=scale)
    exact = both(package, problem)[1][1]
    assert (norms != exact).all()


@every_package
def test_overflow_of_the_scaled_gradient_is_seen_in_the_norm(package):
    problem = stacked()
    trainer = make(package, problem, dtype="float32", loss_scale=2.0**60)
    assert not np.isfinite(trainer.run(problem.rows, **problem.feed)[1]).any()


@every_package
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_half_is_numpys(package, dtype):
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = np.unique(every[np.isfinite(every)]).astype(np.float64)
    edges = [65519.0, 65519.996, 65520.0, 1e30, np.inf, 1e-40, 0.0]
    exact = np.concatenate([finite, (finite[1:] + finite[:-1]) / 2, edges])
    values = exact.astype(dtype)
    beside = [np.nextafter(values, sign * dtype(np.inf)) for sign in (-1, 1)]
    values = np.concatenate([values, -values, *beside, [dtype(np.nan)]])
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16).astype(dtype)
    if package is torch_impl:
        actual = torch_impl.train.in_half(torch.tensor(values)).numpy()
    else:
        with jax.enable_x64(dtype is np.float64):
            actual = np.asarray(jax.jit(jax_impl.train.in_half)(values))
    np.testing.assert_array_equal(actual, expected)
    np.testing.assert_array_equal(np.signbit(actual[:-1]), np.signbit(expected[:-1]))


@every_package
@pytest.mark.parametrize("task", TASKS)
def test_parameters_come_back_as_given(package, task):
    problem = stacked(task)
    for given, own in zip(
        problem.parameters, make(package, problem).parameters(), strict=True
    ):
        np.testing.assert_array_equal(given, own)


@every_package
@pytest.mark.parametrize("task", TASKS)
def test_float32_stays_close_to_float64_without_a_global_switch(package, task):
    problem = stacked(task)
    narrow, wide = make(package, problem, dtype="float32"), make(package, problem)
    for trainer in (narrow, wide):
        trainer.run(problem.rows, **problem.feed)
    for a, b in zip(narrow.parameters(), wide.parameters(), strict=True):
        np.testing.assert_array_equal(a, a.astype(np.float32))
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)
    assert any((p != p.astype(np.float32)).any() for p in wide.parameters())
    assert jnp.zeros(1).dtype == jnp.float32
