import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import jax_impl
from jax_impl.models import MLP
from jax_impl.train import Trainer
from tests.stacked import CONSTANTS as SHARED
from tests.stacked import MODELS, stacked_problem

CONSTANTS = {**SHARED, "clip_eps": 0.0}


@pytest.fixture
def problem():
    return stacked_problem()


def make(problem, **changed):
    parameters, features, labels, *_ = problem
    options = {
        "loss": jax_impl.binary_cross_entropy_with_logits,
        "dtype": "float64",
        "device": "cpu",
        **CONSTANTS,
        **changed,
    }
    return Trainer(parameters, features, labels, **options)


def plain_loop(problem, index):
    """One model the usual way: an NNX module, optax's own clipping, a Python loop."""
    parameters, features, labels, indices, weights = problem
    model = MLP((4, 5, 1), rngs=nnx.Rngs(0))
    for layer, kernel, bias in zip(
        model.layers, parameters[::2], parameters[1::2], strict=True
    ):
        layer.kernel = nnx.Param(jnp.array(kernel[index]))
        layer.bias = nnx.Param(jnp.array(bias[index]))
    transform = optax.chain(
        optax.clip_by_global_norm(CONSTANTS["max_norm"]),
        optax.adamw(3e-3, b1=0.85, b2=0.97, eps=1e-5, weight_decay=0.03),
    )
    optimizer = nnx.Optimizer(model, transform, wrt=nnx.Param)

    @nnx.jit
    def update(model, optimizer, x, y):
        def objective(model):
            z = model(x)[:, 0]
            terms = weights[index] * y * jnp.logaddexp(0.0, -z)
            return (terms + (1.0 - y) * jnp.logaddexp(0.0, z)).mean()

        loss, gradients = nnx.value_and_grad(objective)(model)
        optimizer.update(model, gradients)
        return loss, optax.tree.norm(gradients)

    trace = [
        update(model, optimizer, jnp.array(features[rows]), jnp.array(labels[rows]))
        for rows in indices[index]
    ]
    return model, np.array(trace)


def test_stack_equals_the_usual_loop(problem):
    trainer = make(problem)
    losses, norms = trainer.run(problem[3], problem[4])
    assert norms.max() > CONSTANTS["max_norm"]  # or clipping would go untested
    with jax.enable_x64(True):
        for index in range(MODELS):
            model, trace = plain_loop(problem, index)
            # Two orders of summation over a dozen updates.
            np.testing.assert_allclose(losses[index], trace[:, 0], rtol=1e-12)
            np.testing.assert_allclose(norms[index], trace[:, 1], rtol=1e-12)
            expected = model(jnp.array(problem[1]))[:, 0]
            np.testing.assert_allclose(
                trainer.logits(problem[1])[index], expected, rtol=1e-11, atol=1e-13
            )


def test_steps_in_two_runs_equal_one_run(problem):
    *_, indices, weights = problem
    whole, halves = make(problem), make(problem)
    whole.run(indices, weights)
    halves.run(indices[:, :5], weights)
    halves.run(indices[:, 5:], weights)
    for a, b in zip(whole.parameters(), halves.parameters(), strict=True):
        # Other lengths are other programs: XLA may order their sums otherwise.
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-14)


def test_weights_share_one_program(problem):
    *_, indices, weights = problem
    traces = []

    def loss(*args, **kwargs):
        traces.append(1)
        return jax_impl.binary_cross_entropy_with_logits(*args, **kwargs)

    make(problem, loss=loss).run(indices, weights)
    before = len(traces)
    make(problem, loss=loss).run(indices, 2.0 * weights)
    assert len(traces) == before > 0


def test_parameters_come_back_as_given(problem):
    for given, returned in zip(problem[0], make(problem).parameters(), strict=True):
        np.testing.assert_array_equal(given, returned)


def test_float32_stays_close_to_float64_without_a_global_switch(problem):
    narrow, wide = make(problem, dtype="float32"), make(problem)
    for trainer in (narrow, wide):
        trainer.run(problem[3], problem[4])
    for a, b in zip(narrow.parameters(), wide.parameters(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)
    assert any((p != p.astype(np.float32)).any() for p in wide.parameters())
    assert jnp.zeros(1).dtype == jnp.float32
