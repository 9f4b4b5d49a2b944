"""The frameworks with their own defaults are as far apart as the table tells."""

import importlib
import inspect
import re
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from flax import nnx
from rich.console import Console

from conformance import cli_outcomes
from conformance.errors import UsageError
from conformance.training import default_outcomes as outcomes
from conformance.training import defaults

RATE, UPDATES = outcomes.RATE, outcomes.UPDATES
REFERENCE = ("optimizers", "layers", "gradients", "mlp")


@pytest.fixture(autouse=True)
def wide():
    with jax.enable_x64(True):
        yield


@cache
def found():
    return {(row.subject, row.constant): row for row in defaults.rows()}


def by_torch(make, before=lambda _: None, *, repeat=1, falling=False):
    parameters, gradient = outcomes.problem()
    tensors = [torch.tensor(p) for p in parameters]
    optimizer = make(tensors)
    for step in range(UPDATES):
        optimizer.zero_grad()
        for own, g in zip(tensors, gradient([t.numpy() for t in tensors]), strict=True):
            # As backward does: what comes is added.
            own.grad = torch.stack([torch.tensor(g)] * repeat).sum(0)
        before(tensors)
        if falling:
            optimizer.param_groups[0]["lr"] = outcomes.falling_rate(step)
        optimizer.step()
    return np.concatenate([t.numpy().ravel() for t in tensors])


def by_optax(transform, *, repeat=1):
    parameters, gradient = outcomes.problem()
    theirs: Any = [jnp.array(p) for p in parameters]
    state = transform.init(theirs)
    update = jax.jit(transform.update)
    for _ in range(UPDATES):
        gradients = [jnp.array(g) for g in gradient([np.asarray(p) for p in theirs])]
        for _ in range(repeat):
            updates, state = update(gradients, state, theirs)
            theirs = optax.apply_updates(theirs, updates)
    return np.concatenate([np.ravel(p) for p in theirs])


def clip(tensors):
    torch.nn.utils.clip_grad_norm_(tensors, outcomes.MAX_NORM)


def adamw():
    yield by_torch(lambda p: torch.optim.AdamW(p, lr=RATE))
    yield by_optax(optax.adamw(RATE))


def adam_correction():
    gradient = outcomes.first_gradient().astype(np.float32)
    tensor = torch.zeros(len(gradient))
    tensor.grad = torch.tensor(gradient)
    torch.optim.Adam([tensor], lr=1.0).step()
    yield -tensor.numpy()
    with jax.enable_x64(False):
        transform = optax.adam(1.0)
        theirs = jnp.array(gradient)
        yield -np.asarray(transform.update(theirs, transform.init(theirs))[0])


def rmsprop_decay():
    yield by_torch(lambda p: torch.optim.RMSprop(p, lr=RATE))
    yield by_optax(optax.rmsprop(RATE, eps_in_sqrt=False))


def rmsprop_eps():
    yield by_torch(lambda p: torch.optim.RMSprop(p, lr=RATE, alpha=0.9))
    yield by_optax(optax.rmsprop(RATE))


def rmsprop_rate():
    yield by_torch(
        lambda p: torch.optim.RMSprop(p, lr=RATE, alpha=0.9, momentum=0.9),
        falling=True,
    )
    rate = outcomes.falling_rate
    yield by_optax(optax.rmsprop(rate, eps_in_sqrt=False, momentum=0.9))


def adagrad():
    yield by_torch(lambda p: torch.optim.Adagrad(p, lr=RATE, eps=0.0))
    yield by_optax(optax.adagrad(RATE, eps=0.0))


def clipping():
    yield by_torch(lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9), clip)
    yield by_optax(
        optax.chain(
            optax.clip_by_global_norm(outcomes.MAX_NORM),
            optax.sgd(RATE, momentum=0.9),
        )
    )


def accumulation():
    repeat = outcomes.MICRO_BATCHES
    yield by_torch(lambda p: torch.optim.SGD(p, lr=RATE, momentum=0.9), repeat=repeat)
    steps = optax.MultiSteps(optax.sgd(RATE, momentum=0.9), repeat)
    yield by_optax(steps.gradient_transformation(), repeat=repeat)


def batch_norm(part, *, share):
    theirs = torch.nn.BatchNorm1d(3, dtype=torch.float64)
    options = {} if share is None else {"momentum": 1 - share}
    flaxs = nnx.BatchNorm(3, rngs=nnx.Rngs(0), **options)
    flaxs.mean, flaxs.var = nnx.BatchStat(jnp.zeros(3)), nnx.BatchStat(jnp.ones(3))
    for batch in outcomes.batches():
        theirs(torch.tensor(batch))
        flaxs(jnp.array(batch))
    yield theirs.state_dict()[f"running_{part}"].numpy()
    yield np.asarray(getattr(flaxs, part)[...])


def layer_norm():
    x = outcomes.small()
    yield (
        torch.nn.LayerNorm(x.shape[1], dtype=torch.float64)(torch.tensor(x))
        .detach()
        .numpy()
    )
    yield np.asarray(nnx.LayerNorm(x.shape[1], rngs=nnx.Rngs(0))(jnp.array(x)))


def gelu():
    x = np.linspace(-4.0, 4.0, 401)
    yield torch.nn.GELU()(torch.tensor(x)).numpy()
    yield np.asarray(nnx.gelu(jnp.array(x)))


def linear():
    torch.manual_seed(0)
    width = outcomes.FAN_IN
    yield torch.nn.Linear(width, 4096).weight.detach().numpy().std(keepdims=True)
    kernel = nnx.Linear(width, 4096, rngs=nnx.Rngs(0)).kernel[...]
    yield np.asarray(kernel).std(keepdims=True)


def variance():
    x = (outcomes.batches()[:, :, 1] + 1001).astype(np.float32)
    theirs = torch.nn.BatchNorm1d(len(x), momentum=1.0)
    theirs(torch.tensor(x.T))
    biased = 1 - 1 / outcomes.BATCH
    yield theirs.state_dict()["running_var"].numpy() * biased
    with jax.enable_x64(False):
        flaxs = nnx.BatchNorm(len(x), momentum=0.0, rngs=nnx.Rngs(0))
        flaxs(jnp.array(x.T))
        yield np.asarray(flaxs.var[...])


# What is left besides the constant: rounding of float64, where nothing is said.
EXACT = 1e-6
PAIRS = {
    ("AdamW", "weight decay"): (adamw, EXACT),
    # Float32 has a hundredth of it for its rounding.
    ("Adam, AdamW", "correction of the bias"): (adam_correction, 0.05),
    ("RMSprop", "decay of the mean square"): (rmsprop_decay, EXACT),
    ("RMSprop", "eps and the root"): (rmsprop_eps, EXACT),
    ("RMSprop", "where the rate multiplies"): (rmsprop_rate, EXACT),
    ("Adagrad", "first sum of squares"): (adagrad, EXACT),
    ("Clipping", "added to the norm"): (clipping, EXACT),
    # MultiSteps adds up in float32.
    ("Accumulation", "of 4 gradients"): (accumulation, 1e-5),
    ("BatchNorm", "share of the new batch"): (
        lambda: batch_norm("mean", share=None),
        EXACT,
    ),
    ("BatchNorm", "running variance"): (lambda: batch_norm("var", share=0.1), EXACT),
    # Cancellation leaves noise, which is another in each order of summation.
    ("BatchNorm, LayerNorm", "variance"): (variance, 0.5),
    ("LayerNorm", "eps"): (layer_norm, EXACT),
    ("GELU", "form"): (gelu, EXACT),
    # A quarter of a million draws.
    ("Linear", "variance of the first kernel"): (linear, 0.01),
}


def test_every_row_is_proven():
    assert set(PAIRS) == set(found())


@pytest.mark.parametrize("key", PAIRS, ids=": ".join)
def test_frameworks_are_as_far_apart_as_it_is_told(key):
    pair, rtol = PAIRS[key]
    row = found()[key]
    if defaults.UNKNOWN in (row.torch, row.jax):
        pytest.skip("the installed versions have no such option")
    assert (row.distance > 1e-8) == (row.torch != row.jax)
    np.testing.assert_allclose(defaults.distance(*pair()), row.distance, rtol=rtol)


def test_sides_are_not_swapped():
    key = ("RMSprop", "where the rate multiplies")
    for theirs, place in zip(
        rmsprop_rate(), (found()[key].torch, found()[key].jax), strict=True
    ):
        np.testing.assert_allclose(theirs, outcomes.of_rmsprop_rate(place), rtol=1e-9)


def test_what_is_given_here_has_no_default():
    modules = [importlib.import_module(f"refimpl.{name}") for name in REFERENCE]
    given = [row.given for row in found().values() if row.given]
    assert len(given) >= 9
    for text in given:
        ((name, option),) = re.findall(r"(\w+)\((\w+)\)", text)
        (function,) = {
            getattr(module, name) for module in modules if hasattr(module, name)
        }
        parameter = inspect.signature(function).parameters[option]
        assert parameter.default is parameter.empty


def test_distance_is_relative_to_the_larger():
    first, second = np.array([0.0, 3.0]), np.array([4.0, 0.0])
    assert defaults.distance(first, second) == defaults.distance(second, first) == 1.25


def test_a_default_that_has_become_the_same_is_no_distance():
    constant = defaults.CONSTANTS[0]
    same = replace(constant, torch=constant.jax).row()
    assert same.torch == same.jax == found()["AdamW", "weight decay"].jax
    assert same.distance == 0.0


def test_tables_say_all():
    rows = list(found().values())
    text = defaults.markdown(rows)
    assert text.count("\n") == len(rows) + 4
    row = found()["AdamW", "weight decay"]
    values = f"{row.torch:g} | {row.jax:g}"
    assert f"| AdamW | weight decay | {values} | adamw(weight_decay) |" in text
    console = Console(width=200, record=True)
    with console.capture() as printed:
        console.print(defaults.table(rows))
    for row in rows:
        assert row.constant in printed.get()
        assert row.measured in printed.get()


def test_command_prints_every_row(capsys):
    cli_outcomes.defaults()
    printed = capsys.readouterr().out
    assert printed == defaults.markdown(defaults.rows())


def test_command_names_what_is_not_installed(monkeypatch):
    def rows():
        raise ImportError("No module named 'optax'")

    monkeypatch.setattr(defaults, "rows", rows)
    with pytest.raises(UsageError, match="defaults: No module named 'optax'"):
        cli_outcomes.defaults()
