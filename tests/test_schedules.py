"""Schedules give the same bits in every backend, however they are compiled."""

import math
from collections.abc import Iterable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import jax_impl.schedules
import refimpl.schedules
import torch_impl.schedules

NAN, INF = float("nan"), float("inf")


def ramp_options(rng):
    return {
        "start": rng.uniform(0, 20) if rng.random() < 0.8 else 0.0,
        "end": rng.uniform(0, 20),
        "steps": int(rng.integers(1, 150)),
    }


def curriculum_options(rng):
    count = rng.integers(0, 4)
    boundaries = np.sort(rng.choice(150, count, replace=False))
    factors = rng.uniform(0, 2, count + 1)
    return {"boundaries": boundaries.tolist(), "factors": factors.tolist()}


OPTIONS = {
    "linear": ramp_options,
    "cosine": lambda rng: {**ramp_options(rng), "shape": "cosine"},
    "warmup": lambda rng: {
        "steps": int(rng.integers(1, 150)),
        "first": rng.random() if rng.random() < 0.8 else 0.0,
    },
    "curriculum": curriculum_options,
}
FUNCTIONS = {
    "linear": "progressive_pos_weight",
    "cosine": "progressive_pos_weight",
    "warmup": "warmup_factor",
    "curriculum": "curriculum_factor",
}
STEPS = range(-2, 154)


def draws(case, count):
    rng = np.random.default_rng(7)
    return [OPTIONS[case](rng) for _ in range(count)]


def function(module, case):
    return getattr(module.schedules, FUNCTIONS[case])


def reference(case, options, steps: Iterable[int] = STEPS):
    schedule = function(refimpl, case)
    return np.array([schedule(step, **options) for step in steps])


def same_bits(actual, expected):
    actual = np.asarray(actual)
    assert actual.dtype == np.float64
    np.testing.assert_array_equal(actual.view(np.int64), expected.view(np.int64))


@pytest.fixture(params=OPTIONS)
def case(request):
    return request.param


def scanned(schedule, options):
    """Counts the steps within a loop, the options being constants of the program."""

    def body(step, _):
        return step + 1, schedule(step, **options)

    return jax.jit(lambda: jax.lax.scan(body, -2, length=len(STEPS))[1])()


def traced(schedule, options):
    shape = options.get("shape")
    numbers = {key: value for key, value in options.items() if key != "shape"}
    fixed = {"shape": shape} if shape else {}

    @jax.jit
    def run(steps, numbers):
        return jax.lax.map(lambda step: schedule(step, **numbers, **fixed), steps)

    return run(jnp.arange(-2, 154), numbers)


def mapped(schedule, options):
    return jax.jit(jax.vmap(lambda step: schedule(step, **options)))(
        jnp.arange(-2.0, 154.0)
    )


@pytest.mark.parametrize("run", [scanned, traced, mapped])
def test_jax_compiled_has_the_bits_of_the_reference(case, run):
    with jax.enable_x64(True):
        for options in draws(case, 8):
            actual = run(function(jax_impl, case), options)
            same_bits(actual, reference(case, options))


@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_jax_at_a_constant_step_has_the_bits_of_the_reference(shape):
    # Whatever of step and weights the compiler knows, it must not divide in advance.
    schedule = jax_impl.schedules.progressive_pos_weight
    options, steps = {"steps": 187, "shape": shape}, range(2, 187, 12)
    ends = {"start": 10.0, "end": 0.3}
    expected = reference(shape, {**options, **ends}, steps)

    def run(**ends):
        return jnp.stack([schedule(step, **options, **ends) for step in steps])

    with jax.enable_x64(True):
        same_bits(jax.jit(run)(**ends), expected)
        same_bits(jax.jit(lambda: run(**ends))(), expected)


def test_jax_over_seeds_has_the_bits_of_the_reference(case):
    schedule = function(jax_impl, case)
    # Of as many boundaries each, so that they stack.
    alike = {"boundaries": [0, 0]}
    options = [d for d in draws(case, 30) if len((alike | d)["boundaries"]) == 2]
    shape = {key: value for key, value in options[0].items() if key == "shape"}
    numbers = [{k: v for k, v in draw.items() if k != "shape"} for draw in options]
    with jax.enable_x64(True):
        stacked = jax.tree.map(lambda *leaves: jnp.array(leaves), *numbers)
        run = jax.vmap(lambda step, draw: schedule(step, **draw, **shape), (None, 0))
        for step in (0, 1, 17, 60, 149):
            expected = [function(refimpl, case)(step, **draw) for draw in options]
            same_bits(jax.jit(run)(step, stacked), np.array(expected))
            same_bits(run(step, stacked), np.array(expected))


def test_torch_has_the_bits_of_the_reference(case):
    schedule = function(torch_impl, case)
    for options in draws(case, 4):
        values = [schedule(step, **options) for step in STEPS]
        same_bits(torch.stack(values), reference(case, options))
        over = torch.func.vmap(lambda step, options=options: schedule(step, **options))
        same_bits(over(torch.arange(-2, 154)), reference(case, options))


# Torch warns of what Inductor itself imports.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torch_compiled_has_the_bits_of_the_reference():
    # All in one program: compiling takes the time of this test.
    options = {case: draws(case, 1)[0] for case in OPTIONS}
    torch.compiler.reset()

    @partial(torch.compile, fullgraph=True)
    def compiled(step):
        values = [function(torch_impl, case)(step, **options[case]) for case in OPTIONS]
        return torch.stack(values)

    values = torch.stack([compiled(torch.tensor(step)) for step in STEPS])
    same_bits(values, np.stack([reference(case, options[case]) for case in OPTIONS], 1))


def test_torch_compiles_numbers_that_change(case):
    schedule = function(torch_impl, case)
    torch.compiler.reset()
    compiled = torch.compile(schedule, fullgraph=True, dynamic=True, backend="eager")
    for options in draws(case, 3):
        values = [compiled(step, **options) for step in (3, 20, 70)]
        same_bits(torch.stack(values), reference(case, options, [3, 20, 70]))


@pytest.mark.parametrize("shape", ["linear", "cosine"])
@pytest.mark.parametrize("module", [refimpl, torch_impl, jax_impl])
def test_ends_are_met_exactly(module, shape):
    schedule = module.schedules.progressive_pos_weight
    for steps in (0, 1, 2, 3, 10, 4.5):
        options = {"start": 0.1, "end": 7.3, "steps": steps, "shape": shape}
        with jax.enable_x64(True):
            ends = [float(schedule(step, **options)) for step in (-1, 0, steps, 99)]
        assert ends == [0.1 if steps else 7.3] * 2 + [7.3] * 2


@pytest.mark.parametrize("module", [refimpl, torch_impl, jax_impl])
def test_step_that_is_nan_gives_nan(module, case):
    (options,) = draws(case, 1)
    assert math.isnan(function(module, case)(NAN, **options))


def test_torch_stays_on_the_tape_and_promotes_nothing():
    start = torch.tensor(2.0, requires_grad=True)
    weight = torch_impl.schedules.progressive_pos_weight(1, start=start, end=5, steps=4)
    weight.backward()
    assert start.grad == 0.75
    assert (weight * torch.ones(2)).dtype == torch.float32


def test_jax_differentiates_by_its_numbers():
    def weight(step, start):
        return jax_impl.schedules.progressive_pos_weight(
            step, start=start, end=5.0, steps=4.0
        )

    assert jax.grad(weight, (0, 1))(1.0, 2.0) == (0.75, 0.75)
    assert weight(jnp.int32(1), 2.0).dtype == jnp.float32


BAD_CALLS = [
    ("linear", {"start": -1.0}, "start must be finite and >= 0, got -1.0"),
    ("linear", {"end": INF}, "end must be finite and >= 0, got inf"),
    ("linear", {"steps": NAN}, "steps must be finite and >= 0, got nan"),
    ("linear", {"step": "3"}, "step must be a number or a 0-d array, got '3'"),
    ("linear", {"step": np.ones(2)}, "step must be a number or a 0-d array"),
    ("linear", {"shape": "exp"}, "shape must be one of 'linear', 'cosine', got 'exp'"),
    ("warmup", {"first": 1.1}, "first must be in [0, 1], got 1.1"),
    ("warmup", {"steps": -1}, "steps must be finite and >= 0, got -1"),
    ("curriculum", {"boundaries": 5}, "boundaries must be a list or a tuple, got 5"),
    ("curriculum", {"boundaries": [5, 5]}, "factors must be one more than boundaries,"),
    ("curriculum", {"boundaries": [-1]}, "boundaries[0] must be finite and >= 0"),
    ("curriculum", {"factors": [1, NAN]}, "factors[1] must be finite and >= 0"),
    (
        "curriculum",
        {"boundaries": [5, 5], "factors": [1, 2, 3]},
        "boundaries must increase, got (5, 5)",
    ),
]
GOOD = {
    "linear": {"start": 1.0, "end": 2.0, "steps": 3},
    "warmup": {"steps": 3, "first": 0.5},
    "curriculum": {"boundaries": [5], "factors": [0.1, 1.0]},
}


@pytest.mark.parametrize(("case", "changed", "text"), BAD_CALLS)
def test_bad_calls_name_the_argument_alike(case, changed, text):
    messages = []
    for module in (refimpl, torch_impl, jax_impl):
        with pytest.raises((TypeError, ValueError)) as caught:
            function(module, case)(**{"step": 0, **GOOD[case], **changed})
        messages.append((caught.type, str(caught.value)))
    assert text in messages[0][1]
    assert messages[0] == messages[1] == messages[2]
