import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

import jax_impl.optimizers
import torch_impl.optimizers
from refimpl.optimizers import (
    adam,
    adamw,
    init_adam,
    init_rmsprop,
    init_sgd,
    rmsprop,
    sgd,
)

# Unlike any library's defaults, and unlike each other.
CONSTANTS = {
    "learning_rate": 3e-3,
    "beta1": 0.85,
    "beta2": 0.97,
    "eps": 1e-5,
    "weight_decay": 0.03,
}
STEPS = 60


@pytest.fixture
def problem():
    generator = np.random.default_rng(3)
    parameters = [generator.normal(size=shape) for shape in ((4, 3), (3,), ())]
    gradients = [
        # Gradients of very unequal size, and some that are exactly zero.
        [
            np.asarray(
                10.0 ** generator.uniform(-7, 2) * generator.normal(size=p.shape)
            )
            * (generator.random(p.shape) > 0.1)
            for p in parameters
        ]
        for _ in range(STEPS)
    ]
    return parameters, gradients


def reference_trajectory(parameters, gradients):
    state = init_adam(parameters)
    for step in gradients:
        parameters, state = adamw(parameters, step, state, **CONSTANTS)
        yield parameters


def assert_same(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        # A handful of roundings an update, which the decay keeps from growing.
        np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-15)


def test_adamw_is_torchs_step_for_step(problem):
    parameters, gradients = problem
    tensors = [torch.tensor(p, dtype=torch.float64) for p in parameters]
    optimizer = torch.optim.AdamW(
        tensors,
        lr=CONSTANTS["learning_rate"],
        betas=(CONSTANTS["beta1"], CONSTANTS["beta2"]),
        eps=CONSTANTS["eps"],
        weight_decay=CONSTANTS["weight_decay"],
    )
    for step, expected in zip(
        gradients, reference_trajectory(parameters, gradients), strict=True
    ):
        for tensor, gradient in zip(tensors, step, strict=True):
            tensor.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        assert_same([tensor.numpy() for tensor in tensors], expected)


def test_adamw_is_optaxs_step_for_step(problem):
    parameters, gradients = problem
    optimizer = optax.adamw(
        CONSTANTS["learning_rate"],
        b1=CONSTANTS["beta1"],
        b2=CONSTANTS["beta2"],
        eps=CONSTANTS["eps"],
        weight_decay=CONSTANTS["weight_decay"],
    )
    with jax.enable_x64(True):
        theirs = [jnp.array(p, jnp.float64) for p in parameters]
        state = optimizer.init(theirs)
        update = jax.jit(optimizer.update)
        for step, expected in zip(
            gradients, reference_trajectory(parameters, gradients), strict=True
        ):
            updates, state = update([jnp.array(g) for g in step], state, theirs)
            theirs = optax.apply_updates(theirs, updates)
            assert_same(theirs, expected)


def test_arguments_are_left_as_they_are(problem):
    parameters, gradients = problem
    before = [p.copy() for p in parameters]
    state = init_adam(parameters)
    adamw(parameters, gradients[0], state, **CONSTANTS)
    assert state.step == 0
    assert not any(m.any() for m in (*state.first, *state.second))
    assert_same(parameters, before)


def test_unequal_numbers_of_arrays_raise(problem):
    parameters, gradients = problem
    with pytest.raises(ValueError, match="equally many"):
        adamw(parameters, gradients[0][:2], init_adam(parameters), **CONSTANTS)


BAD = [
    (lambda p, _: (p, p, init_sgd(p)), TypeError, "type AdamState, got SgdState"),
    (
        lambda p, s: (p, p, s._replace(first=p[:1])),
        ValueError,
        r"state.first must be e",
    ),
    (
        # It would spread over the parameters.
        lambda p, s: (p, p, s._replace(second=[np.ones((2, 3)), np.ones(1)])),
        ValueError,
        r"state.second\[0\] must have shape \(3,\), got \(2, 3\)",
    ),
    (lambda p, s: (p[0], p, s), TypeError, "parameters must be a list of arrays, got"),
    (lambda p, s: (p, [*p[:1], None], s), TypeError, r"gradients\[1\] must be an arr"),
    (lambda p, s: ([*p[:1], np.array([1])], p, s), TypeError, r"parameters\[1\] must"),
]


@pytest.mark.parametrize(("change", "error", "text"), BAD)
def test_bad_arrays_are_named(change, error, text):
    parameters = [np.ones(3), np.ones(1)]
    arguments = change(parameters, init_adam(parameters))
    for update in (adam, adamw):
        with pytest.raises(error, match=text):
            update(*arguments, **CONSTANTS)


SGD = {"learning_rate": 0.1, "momentum": 0.5, "nesterov": True, "weight_decay": 0.1}
RMSPROP = {
    "learning_rate": 0.1,
    "decay": 0.9,
    "eps": 1e-8,
    "eps_inside_root": False,
    "centered": False,
    "momentum": 0.5,
    "weight_decay": 0.1,
}
UPDATES = [
    (sgd, init_sgd, SGD),
    (adam, init_adam, CONSTANTS),
    (adamw, init_adam, CONSTANTS),
    (rmsprop, init_rmsprop, RMSPROP),
]


@pytest.mark.parametrize(("update", "init", "constants"), UPDATES)
def test_single_precision_is_computed_in_double(update, init, constants):
    single = [np.array([0.1, -2.3], np.float32)]
    double = [own.astype(np.float64) for own in single]
    assert init(single)[-1][0].dtype == np.float64
    actual, state = update(single, single, init(single), **constants)
    expected, _ = update(double, double, init(double), **constants)
    assert actual[0].dtype == state[-1][0].dtype == np.float64
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(("update", "init", "constants"), UPDATES)
def test_no_parameters_are_no_trouble(update, init, constants):
    assert update([], [], init([]), **constants)[0] == []


@pytest.mark.parametrize("name", ["adam", "adamw", "rmsprop"])
def test_zero_eps_and_overflow_are_those_of_the_libraries(name):
    constants = {**RMSPROP} if name == "rmsprop" else {**CONSTANTS, "beta1": 0}
    constants.update(eps=0, weight_decay=0)
    start, gradients = [np.array([1.0, -2.0, 3.0])], [np.array([0.0, 1e200, 0.5])]
    ((update, init, _),) = [row for row in UPDATES if row[0].__name__ == name]
    (expected,), _ = update(start, gradients, init(start), **constants)
    assert np.isnan(expected[0])
    assert expected[1] == -2.0
    (tensor,) = tensors = [torch.tensor(start[0])]
    tensor.grad = torch.tensor(gradients[0])
    getattr(torch_impl.optimizers, name)(tensors, **constants).step()
    np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-15)
    with jax.enable_x64(True):
        transform = getattr(jax_impl.optimizers, name)(**constants)
        theirs = jnp.array(start[0])
        state = transform.init(theirs)
        moves, _ = transform.update(jnp.array(gradients[0]), state, theirs)
        np.testing.assert_allclose(theirs + moves, expected, rtol=1e-15)
