"""Optimisers: NumPy = torch = Optax, update by update, with every constant given."""

import inspect
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import jax_impl.optimizers
import jax_impl.schedules
import refimpl.gradients
import refimpl.optimizers
import torch_impl.clip_grad
import torch_impl.lr_schedulers
import torch_impl.optimizers
from jax_impl.optax_gradients import clip_by_global_norm
from refimpl.schedules import warmup_factor

UPDATES = 200
NAMES = ("sgd", "adam", "adamw", "rmsprop")
SHAPES = ((4, 3), (3,), ())

# Unlike any library's defaults, and unlike each other.
ADAM = {"learning_rate": 3e-3, "beta1": 0.85, "beta2": 0.97, "eps": 1e-5}
SGD = {"learning_rate": 2e-2, "momentum": 0.8, "nesterov": False, "weight_decay": 0.03}
RMSPROP = {
    "learning_rate": 4e-3,
    "decay": 0.93,
    "eps": 1e-4,
    "eps_inside_root": False,
    "centered": False,
    "momentum": 0.6,
    "weight_decay": 0.02,
}
CASES = {
    "sgd": ("sgd", SGD),
    "sgd-plain": ("sgd", {**SGD, "momentum": 0.0}),
    "sgd-nesterov": ("sgd", {**SGD, "nesterov": True}),
    "sgd-nesterov-plain": ("sgd", {**SGD, "nesterov": True, "momentum": 0.0}),
    "adam": ("adam", {**ADAM, "weight_decay": 0.0}),
    "adam-coupled": ("adam", {**ADAM, "weight_decay": 0.04}),
    "adamw": ("adamw", {**ADAM, "weight_decay": 0.03}),
    "rmsprop": ("rmsprop", RMSPROP),
    "rmsprop-plain": ("rmsprop", {**RMSPROP, "momentum": 0.0, "weight_decay": 0.0}),
    "rmsprop-centered": ("rmsprop", {**RMSPROP, "centered": True}),
    "rmsprop-inside": ("rmsprop", {**RMSPROP, "eps_inside_root": True}),
    "rmsprop-inside-centered": (
        "rmsprop",
        {**RMSPROP, "eps_inside_root": True, "centered": True},
    ),
}


@pytest.fixture
def problem():
    """Returns parameters, and gradients of unequal size that depend on them."""
    generator = np.random.default_rng(3)
    parameters = [generator.normal(size=shape) for shape in SHAPES]
    slopes = [10.0 ** generator.uniform(-3, 1, shape) for shape in SHAPES]
    noise = [generator.normal(size=(UPDATES, *shape)) for shape in SHAPES]
    seen = [generator.random((UPDATES, *shape)) > 0.2 for shape in SHAPES]

    def gradient(at, step):
        rows = zip(at, slopes, noise, seen, strict=True)
        # Some are exactly zero.
        return [
            np.asarray((a * np.tanh(p) + 0.3 * a * b[step]) * c[step])
            for p, a, b, c in rows
        ]

    return parameters, gradient


def by_numpy(name, constants, parameters, gradient, rate=None):
    state = getattr(refimpl.optimizers, f"init_{name.rstrip('w')}")(parameters)
    update = getattr(refimpl.optimizers, name)
    constants = dict(constants)
    for step in range(UPDATES):
        if rate:
            constants["learning_rate"] = rate(step)
        gradients = gradient(parameters, step)
        parameters, state = update(parameters, gradients, state, **constants)
        yield parameters


def by_torch(optimizer, tensors, gradient, scheduler=None, clip=None):
    for step in range(UPDATES):
        gradients = gradient([tensor.numpy() for tensor in tensors], step)
        for tensor, own in zip(tensors, gradients, strict=True):
            tensor.grad = torch.tensor(own)
        if clip:
            torch_impl.clip_grad.clip_grad_norm_(tensors, **clip)
        optimizer.step()
        if scheduler:
            scheduler.step()
        yield [tensor.numpy().copy() for tensor in tensors]


def by_optax(transform, parameters, gradient):
    with jax.enable_x64(True):
        theirs: Any = [jnp.array(p) for p in parameters]
        state = transform.init(theirs)
        update = jax.jit(transform.update)
        for step in range(UPDATES):
            own = [jnp.array(g) for g in gradient(list(map(np.asarray, theirs)), step)]
            updates, state = update(own, state, theirs)
            theirs = optax.apply_updates(theirs, updates)
            yield [np.asarray(p) for p in theirs]


def tensors_of(parameters):
    return [torch.tensor(p, dtype=torch.float64) for p in parameters]


def distance(actual, expected):
    """Returns the largest distance of any update, relative to the parameters."""
    rows = list(zip(actual, expected, strict=True))
    assert len(rows) == UPDATES
    flat = [[np.concatenate([p.ravel() for p in side]) for side in row] for row in rows]
    return max(np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in flat)


# Half a unit an update: torch rounds 1 - rate * decay, and multiplies by it each time.
BUDGET = UPDATES * 2.0**-53


@pytest.mark.parametrize("case", CASES)
def test_optax_makes_the_same_updates(problem, case):
    name, constants = CASES[case]
    theirs = getattr(jax_impl.optimizers, name)(**constants)
    expected = by_numpy(name, constants, *problem)
    assert distance(by_optax(theirs, *problem), expected) <= BUDGET


@pytest.mark.parametrize("case", [case for case in CASES if "inside" not in case])
def test_torch_makes_the_same_updates(problem, case):
    name, constants = CASES[case]
    tensors = tensors_of(problem[0])
    theirs = getattr(torch_impl.optimizers, name)(tensors, **constants)
    expected = by_numpy(name, constants, *problem)
    assert distance(by_torch(theirs, tensors, problem[1]), expected) <= BUDGET


@pytest.mark.parametrize("case", ["sgd-nesterov", "adamw", "rmsprop"])
def test_clipping_and_a_schedule_keep_them_together(problem, case):
    name, constants = CASES[case]
    clip: Any = {"max_norm": 2.0, "eps": 1e-3}
    warmup = {"steps": 40, "first": 0.1}
    full = constants["learning_rate"]

    def rate(step):
        return full * warmup_factor(step, **warmup)

    def schedule(step):
        return full * jax_impl.schedules.warmup_factor(step, **warmup)

    def clipped(at, step):
        gradients = problem[1](at, step)
        return refimpl.gradients.clip_by_global_norm(gradients, **clip)[0]

    expected = list(by_numpy(name, constants, problem[0], clipped, rate=rate))
    tensors = tensors_of(problem[0])
    optimizer = getattr(torch_impl.optimizers, name)(tensors, **constants)
    scheduler = torch_impl.lr_schedulers.WarmupLR(optimizer, **warmup)
    actual = by_torch(optimizer, tensors, problem[1], scheduler=scheduler, clip=clip)
    # Each step multiplies the rate by a quotient, three roundings.
    assert distance(actual, expected) <= 2 * BUDGET
    transform = optax.chain(
        clip_by_global_norm(**clip),
        getattr(jax_impl.optimizers, name)(**{**constants, "learning_rate": schedule}),
    )
    assert distance(by_optax(transform, *problem), expected) <= 2 * BUDGET
    # Neither went untested.
    for changed in ({"rate": rate, "gradient": problem[1]}, {"gradient": clipped}):
        other = by_numpy(name, constants, problem[0], **changed)
        assert distance(other, expected) > 1e-3


def test_rmsprop_of_optax_lags_behind_a_schedule(problem):
    def rate(step):
        return 4e-3 * 0.9**step

    constants = {**RMSPROP, "weight_decay": 0.0, "learning_rate": rate}
    theirs = optax.rmsprop(rate, decay=0.93, eps=1e-4, eps_in_sqrt=False, momentum=0.6)
    plain = {**constants, "learning_rate": 0.0}
    expected = list(by_numpy("rmsprop", plain, *problem, rate=rate))
    assert distance(by_optax(theirs, *problem), expected) > 1e-3
    ours = jax_impl.optimizers.rmsprop(**constants)
    assert distance(by_optax(ours, *problem), expected) <= BUDGET


def test_deviation_of_a_steady_gradient_is_a_number_only_here():
    options = {**RMSPROP, "centered": True, "decay": 0.5, "weight_decay": 0.0}
    values = np.array([0.1, 0.7, 1.3])
    steady = [values], lambda *_: [values]
    *_, (expected,) = by_numpy("rmsprop", options, *steady)
    assert np.isfinite(expected).all()
    tensors = tensors_of(steady[0])
    optimizer = torch_impl.optimizers.rmsprop(tensors, **options)
    *_, (actual,) = by_torch(optimizer, tensors, steady[1])
    assert np.isnan(actual).any()
    *_, (actual,) = by_optax(jax_impl.optimizers.rmsprop(**options), *steady)
    assert np.isnan(actual).any()


@pytest.mark.parametrize("name", NAMES)
def test_constants_have_one_name_and_no_default(name):
    def constants(module):
        parameters = inspect.signature(getattr(module, name)).parameters.values()
        return [p for p in parameters if p.kind is p.KEYWORD_ONLY]

    own = constants(refimpl.optimizers)
    assert len(own) >= 4
    assert {p.default for p in own} == {inspect.Parameter.empty}
    for module in (torch_impl.optimizers, jax_impl.optimizers):
        assert [(p.name, p.default) for p in constants(module)] == [
            (p.name, p.default) for p in own
        ]


class Recorder:
    """A library of which each call is bound to what it takes."""

    def __init__(self, library):
        self.library, self.calls = library, []

    def __getattr__(self, name):
        made = getattr(self.library, name)

        def recorded(*args, **options):
            self.calls.append(inspect.signature(made).bind(*args, **options))
            return made(*args, **options)

        return recorded


@pytest.mark.parametrize("case", ["sgd", "adam-coupled", "adamw", "rmsprop"])
@pytest.mark.parametrize("package", ["torch", "optax"])
def test_nothing_is_left_to_a_default(case, package, monkeypatch):
    name, constants = CASES[case]
    if package == "torch":
        module, own = torch_impl.optimizers, (tensors_of([np.ones(2)]),)
        recorder = Recorder(torch.optim)
        monkeypatch.setattr(module, "torch", SimpleNamespace(optim=recorder))
    else:
        module, own, recorder = jax_impl.optimizers, (), Recorder(optax)
        monkeypatch.setattr(module, "optax", recorder)
    getattr(module, name)(*own, **constants)
    assert recorder.calls
    for bound in recorder.calls:
        parameters = bound.signature.parameters.values()
        named = {p.name for p in parameters if p.kind is not p.VAR_POSITIONAL}
        assert named <= set(bound.arguments)


BAD = [
    ("sgd", {**SGD, "momentum": 1.0}, ValueError, r"momentum must be in \[0, 1\)"),
    ("sgd", {**SGD, "nesterov": 1}, TypeError, "nesterov must be True or False, got 1"),
    ("sgd", {**SGD, "learning_rate": -1.0}, ValueError, "learning_rate must be finite"),
    ("rmsprop", {**RMSPROP, "eps": -1e-8}, ValueError, "eps must be finite and >= 0"),
    ("rmsprop", {**RMSPROP, "decay": "0.9"}, TypeError, "decay must be a number"),
    ("adam", {**ADAM, "weight_decay": np.nan}, ValueError, "weight_decay must be"),
    ("adamw", {**ADAM, "weight_decay": 0.0, "beta2": 1}, ValueError, "beta2 must be"),
]


@pytest.mark.parametrize(("name", "constants", "error", "text"), BAD)
def test_bad_constants_are_refused_alike(name, constants, error, text, problem):
    with pytest.raises(error, match=text):
        next(by_numpy(name, constants, *problem))
    with pytest.raises(error, match=text):
        getattr(torch_impl.optimizers, name)(tensors_of(problem[0]), **constants)
    with pytest.raises(error, match=text):
        getattr(jax_impl.optimizers, name)(**constants)


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_has_the_shape_of_its_parameter(name):
    with pytest.raises(ValueError, match=r"gradients\[0\] must have shape \(3,\), got"):
        next(by_numpy(name, CASES[name][1], [np.ones(3)], lambda *_: [np.ones((3, 1))]))


def test_torch_has_no_eps_inside_the_root():
    with pytest.raises(ValueError, match="eps_inside_root must be False"):
        torch_impl.optimizers.rmsprop(
            tensors_of([np.ones(2)]), **{**RMSPROP, "eps_inside_root": True}
        )
