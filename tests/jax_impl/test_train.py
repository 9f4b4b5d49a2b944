import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import jax_impl
from jax_impl.models import MLP
from jax_impl.train import Trainer
from tests.stacked import ADAMW, MODELS, SETTINGS, framework_loss, stacked

TASKS = ("binary", "multilabel", "multiclass", "heatmap")


def make(problem, **changed):
    options = {
        "loss": framework_loss(jax_impl, problem.loss),
        "dtype": "float64",
        "device": "cpu",
        **SETTINGS,
        "clip_eps": 0.0,
        **changed,
    }
    return Trainer(*problem.given, **options)


def usual_values(problem, z, y, weights):
    """What optax, or the formula of the paper, makes of a batch."""
    if problem.loss == "cross_entropy":
        values = optax.softmax_cross_entropy_with_integer_labels(z, y)
        return weights[y] * values
    if problem.loss == "heatmap_focal_loss":
        p = jax.nn.sigmoid(z)
        around = -((1 - y) ** 4) * p**2 * jnp.log(1 - p)
        return jnp.where(y == 1, -((1 - p) ** 2) * jnp.log(p), around)
    return weights * y * jnp.logaddexp(0.0, -z) + (1.0 - y) * jnp.logaddexp(0.0, z)


def usual_loop(problem, index, rate):
    """One model the usual way: an NNX module, optax's own clipping, a Python loop."""
    feed, parameters = problem.feed, problem.parameters
    model = MLP((4, 5, parameters[-1].shape[-1]), rngs=nnx.Rngs(0))
    for layer, kernel, bias in zip(
        model.layers, parameters[::2], parameters[1::2], strict=True
    ):
        layer.kernel = nnx.Param(jnp.array(kernel[index]))
        layer.bias = nnx.Param(jnp.array(bias[index]))
    transform = optax.chain(
        optax.clip_by_global_norm(SETTINGS["max_norm"]),
        optax.adamw(
            lambda step: ADAMW["learning_rate"] * jnp.array(feed["rates"])[step],
            b1=ADAMW["beta1"],
            b2=ADAMW["beta2"],
            eps=ADAMW["eps"],
            weight_decay=ADAMW["weight_decay"],
        ),
    )
    optimizer = nnx.Optimizer(model, transform, wrt=nnx.Param)

    @nnx.jit
    def update(model, optimizer, rows, factors, weights, masks):
        def objective(model):
            z = model(jnp.array(problem.features)[rows], masks, rate=rate)
            z = z[..., 0] if z.shape[-1] == 1 else z
            values = usual_values(problem, z, jnp.array(problem.labels)[rows], weights)
            return (factors * values.reshape(len(rows), -1).sum(1)).sum()

        loss, gradients = nnx.value_and_grad(objective)(model)
        optimizer.update(model, gradients)
        return loss, optax.tree.norm(gradients)

    trace = []
    for step, rows in enumerate(problem.rows[index]):
        weights = None if feed["weights"] is None else feed["weights"][index, step]
        masks = [jnp.array(mask[index, step]) for mask in feed["masks"]]
        factors = feed["coefficients"][index, step]
        trace.append(update(model, optimizer, rows, factors, weights, masks))
    return model, np.array(trace)


@pytest.mark.parametrize(
    ("task", "rate"), [*((task, 0.0) for task in TASKS), ("multiclass", 0.25)]
)
def test_stack_equals_the_usual_loop(task, rate):
    problem = stacked(task, dropout=rate)
    trainer = make(problem, dropout=rate)
    losses, norms = trainer.run(problem.rows, **problem.feed)
    assert norms.max() > SETTINGS["max_norm"]  # or clipping would go untested
    with jax.enable_x64(True):
        for index in range(MODELS):
            model, trace = usual_loop(problem, index, rate)
            # Two orders of summation over a dozen updates.
            np.testing.assert_allclose(losses[index], trace[:, 0], rtol=1e-12)
            np.testing.assert_allclose(norms[index], trace[:, 1], rtol=1e-12)
            found = trainer.logits(problem.features)[index]
            expected = model(jnp.array(problem.features)).reshape(found.shape)
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
        # Other lengths are other programs: XLA may order their sums otherwise.
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-14)


def test_trainers_share_one_program():
    problem, traces = stacked(), []
    own = framework_loss(jax_impl, problem.loss)

    def loss(*args):
        traces.append(1)
        return own(*args)

    make(problem, loss=loss).run(problem.rows, **problem.feed)
    before = len(traces)
    told = ("coefficients", "weights", "rates")
    feed = {**problem.feed, **{key: 2.0 * problem.feed[key] for key in told}}
    constants = dict(SETTINGS["constants"])
    make(problem, loss=loss, constants=constants).run(problem.rows, **feed)
    assert len(traces) == before > 0
