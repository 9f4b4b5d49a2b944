from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from jax_impl.gradients import TORCH_CLIP_EPS, check_finite, largest_gradients
from jax_impl.models import MLP
from jax_impl.optax_gradients import (
    LargestGradients,
    clip_by_global_norm,
    record_largest_gradients,
)

FEATURES = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


@pytest.fixture
def model():
    return MLP((4, 5, 1), rngs=nnx.Rngs(0))


def gradients_of(model, scale=1.0):
    return nnx.grad(lambda model: scale * model(FEATURES).sum())(model)


def trajectory(clip, steps=12):
    """Parameters of a quadratic whose gradient shrinks through the limit."""
    transform = optax.chain(clip, optax.sgd(0.3))
    parameters = {"a": jnp.array([3.0, -1.0]), "b": jnp.array(2.0)}
    state, trace = transform.init(parameters), []

    @jax.jit
    def update(parameters, state):
        updates, state = transform.update(parameters, state, parameters)
        return optax.apply_updates(parameters, updates), state

    for _ in range(steps):
        parameters, state = update(parameters, state)
        trace.append(np.concatenate([parameters["a"], parameters["b"][None]]))
    return np.array(trace)


def test_clipping_without_eps_is_optaxs():
    own, theirs = (
        trajectory(clip)
        for clip in (clip_by_global_norm(1.0, eps=0.0), optax.clip_by_global_norm(1.0))
    )
    # A rounding or two an update.
    np.testing.assert_allclose(own, theirs, rtol=3e-6)
    norms = np.linalg.norm(own, axis=1)
    assert norms[0] > 1.0 > norms[-1]  # both sides of the limit


def test_clipping_has_its_eps():
    updates = {"w": jnp.array([3.0, 4.0])}
    for eps, expected in ((0.0, (0.6, 0.8)), (5.0, (0.3, 0.4))):
        clip = clip_by_global_norm(1.0, eps=eps)
        found, _ = jax.jit(clip.update)(updates, clip.init(updates))
        np.testing.assert_allclose(found["w"], expected, rtol=1e-6)
    with pytest.raises(ValueError, match="max_norm must be finite and > 0"):
        clip_by_global_norm(-1.0, eps=0.0)


def test_nnx_optimizer_takes_the_chain(model):
    chain = optax.chain(
        record_largest_gradients(),
        clip_by_global_norm(0.5, eps=TORCH_CLIP_EPS),
        optax.sgd(1.0),
    )
    optimizer = nnx.Optimizer(model, chain, wrt=nnx.Param)
    before = jax.tree.map(jnp.copy, nnx.state(model, nnx.Param))
    gradients = gradients_of(model)

    @nnx.jit
    def update(model, optimizer, gradients):
        optimizer.update(model, gradients)

    update(model, optimizer, gradients)
    moved = jax.tree.map(jnp.subtract, before, nnx.state(model, nnx.Param))
    # The step is the clipped gradient; differences of parameters near 1 round.
    assert float(optax.tree.norm(moved)) == pytest.approx(0.5, abs=1e-6)
    assert float(optax.tree.norm(gradients)) > 1.0


def test_names_within_nnx_are_those_of_the_module(model):
    largest = largest_gradients(gradients_of(model))
    assert sorted(largest) == [
        "layers.0.bias",
        "layers.0.kernel",
        "layers.1.bias",
        "layers.1.kernel",
    ]
    layers = largest_gradients(gradients_of(model), per="layer")
    assert float(layers["layers.0"]) == max(
        float(largest["layers.0.kernel"]), float(largest["layers.0.bias"])
    )


def test_names_of_fields_are_theirs():
    class Attention(NamedTuple):
        query: jax.Array
        value: jax.Array

    found = largest_gradients([Attention(jnp.ones(2), jnp.full(2, -3.0))])
    named = {name: float(largest) for name, largest in found.items()}
    assert named == {"0.query": 1.0, "0.value": 3.0}


@pytest.mark.parametrize("per", ["parameter", "layer"])
def test_record_keeps_latest_and_largest_within_a_scan(model, per):
    record = record_largest_gradients(per=per)
    gradients = gradients_of(model)
    scales = jnp.array([1.0, -4.0, 2.0])

    def step(state, scale):
        scaled = jax.tree.map(lambda gradient: scale * gradient, gradients)
        updates, state = record.update(scaled, state)
        return state, jax.tree.map(lambda a, b: (a == b).all(), updates, scaled)

    state, passed = jax.jit(lambda s: jax.lax.scan(step, s, scales))(
        record.init(gradients)
    )
    assert isinstance(state, LargestGradients)
    assert all(leaf.all() for leaf in jax.tree.leaves(passed))
    for name, value in largest_gradients(gradients, per=per).items():
        assert float(state.latest[name]) == 2.0 * float(value)
        assert float(state.largest[name]) == 4.0 * float(value) > 0.0


def test_record_keeps_its_dtype_and_shows_nan():
    record = record_largest_gradients()
    state: Any = record.init({"w": jnp.ones(2, jnp.bfloat16)})
    for value, largest in ((3.0, 3.0), (jnp.nan, jnp.nan), (1.0, jnp.nan)):
        _, state = record.update({"w": jnp.array([value, 0.5])}, state)
        np.testing.assert_array_equal(state.largest["w"], largest)
    assert float(state.latest["w"]) == 1.0
    assert state.largest["w"].dtype == jnp.float32


def test_updates_that_are_not_finite_are_skipped_by_optax_and_recorded():
    clip = clip_by_global_norm(1.0, eps=TORCH_CLIP_EPS)
    transform = optax.chain(
        record_largest_gradients(),
        optax.apply_if_finite(optax.chain(clip, optax.sgd(1.0)), 5),
    )
    parameters = {"w": jnp.zeros(2), "b": jnp.zeros(())}
    bad = {"w": jnp.array([1.0, jnp.inf]), "b": jnp.ones(())}
    state: Any = transform.init(parameters)
    updates, state = transform.update(bad, state, parameters)
    assert not any(leaf.any() for leaf in jax.tree.leaves(updates))
    assert float(state[0].latest["w"]) == np.inf
    assert int(state[1].total_notfinite) == 1
    with pytest.raises(FloatingPointError, match=r"1 of 2 .*'w' has 1 infinite"):
        check_finite(bad)
