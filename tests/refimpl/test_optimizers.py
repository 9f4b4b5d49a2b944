import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch

from refimpl.optimizers import adamw, init_adam

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
