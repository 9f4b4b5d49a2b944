"""Layers: NumPy = torch = JAX = the frameworks' own modules, constants given."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx

import jax_impl.layers
import refimpl.layers
import torch_impl.layers
from tests.backends import JAX, TORCH, to_numpy

BACKENDS = {TORCH: torch_impl.layers, JAX: jax_impl.layers}
# A mean, a root and a product, over features whose mean is 25 deviations.
RTOL = 1e-13
STEPS = 20


@pytest.fixture(autouse=True)
def wide():
    with jax.enable_x64(True):
        yield


@pytest.fixture
def problem():
    generator = np.random.default_rng(4)
    batches = generator.normal(size=(STEPS, 6, 2, 3)) * [0.2, 1.0, 30.0]
    batches += [5.0, 0.0, -40.0]
    return batches, np.array([0.5, -2.0, 3.0]), np.arange(3.0)


def run(module, array, problem, **options):
    """Returns the last outputs and the running statistics of the batches."""
    batches, scale, bias = problem
    weights = array(scale), array(bias)
    state, outputs = module.init_batch_norm(weights[0]), None
    for batch in batches:
        outputs, state = module.batch_norm(array(batch), *weights, state, **options)
    return [to_numpy(part) for part in (outputs, *state)]


def assert_close(actual, expected):
    for a, b in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=RTOL, atol=RTOL)


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_batch_norm_agrees(backend, training, unbiased, problem):
    options = {"momentum": 0.3, "eps": 0.02, "unbiased": unbiased, "training": training}
    expected = run(refimpl.layers, np.asarray, problem, **options)
    actual = run(BACKENDS[backend], backend.array, problem, **options)
    assert_close(actual, expected)


def test_unbiased_is_torchs_module(problem):
    batches, scale, bias = problem
    layer = torch.nn.BatchNorm1d(3, eps=0.02, momentum=0.3, dtype=torch.float64)
    layer.load_state_dict(
        {"weight": torch.tensor(scale), "bias": torch.tensor(bias)}, strict=False
    )
    rows = torch.tensor(batches).movedim(-1, 2)
    *_, outputs = (layer(batch).movedim(1, -1) for batch in rows)
    options = {"momentum": 0.3, "eps": 0.02, "unbiased": True, "training": True}
    found = [to_numpy(p) for p in (outputs, layer.running_mean, layer.running_var)]
    assert_close(found, run(refimpl.layers, np.asarray, problem, **options))


def test_biased_is_flaxs_module(problem):
    batches, scale, bias = problem
    layer: Any = nnx.BatchNorm(
        3,
        momentum=1 - 0.3,
        epsilon=0.02,
        use_fast_variance=False,
        param_dtype=jnp.float64,
        rngs=nnx.Rngs(0),
    )
    layer.scale[...], layer.bias[...] = jnp.array(scale), jnp.array(bias)
    # Flax makes them float32 whatever the parameters are.
    layer.mean, layer.var = nnx.BatchStat(jnp.zeros(3)), nnx.BatchStat(jnp.ones(3))
    *_, outputs = map(layer, jnp.array(batches))
    options = {"momentum": 0.3, "eps": 0.02, "unbiased": False, "training": True}
    found = [to_numpy(p) for p in (outputs, layer.mean[...], layer.var[...])]
    assert_close(found, run(refimpl.layers, np.asarray, problem, **options))


def test_layer_norm_agrees_with_the_modules(problem):
    batches, scale, bias = problem
    expected = refimpl.layers.layer_norm(batches, scale, bias, eps=0.02)
    for backend, module in BACKENDS.items():
        arrays = map(backend.array, (batches, scale, bias))
        assert_close([to_numpy(module.layer_norm(*arrays, eps=0.02))], [expected])
    theirs = torch.nn.LayerNorm(3, eps=0.02, dtype=torch.float64)
    theirs.load_state_dict({"weight": torch.tensor(scale), "bias": torch.tensor(bias)})
    assert_close([to_numpy(theirs(torch.tensor(batches)))], [expected])
    flaxs: Any = nnx.LayerNorm(
        3,
        epsilon=0.02,
        use_fast_variance=False,
        param_dtype=jnp.float64,
        rngs=nnx.Rngs(0),
    )
    flaxs.scale[...], flaxs.bias[...] = jnp.array(scale), jnp.array(bias)
    assert_close([to_numpy(flaxs(jnp.array(batches)))], [expected])


@pytest.mark.parametrize("name", ["batch_norm", "layer_norm"])
@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_gradients_agree(backend, name, problem):
    arguments = problem[0][0], *problem[1:]
    upstream = np.random.default_rng(5).normal(size=arguments[0].shape)
    module = BACKENDS[backend]

    def total(x, scale, bias):
        if name == "layer_norm":
            outputs = module.layer_norm(x, scale, bias, eps=0.02)
        else:
            options = {"training": True, "momentum": 0.1, "unbiased": True}
            state = module.init_batch_norm(scale)
            outputs, new = module.batch_norm(x, scale, bias, state, eps=0.02, **options)
            # No derivative passes through the state.
            outputs = outputs + new.mean + new.variance
        return (outputs * backend.array(upstream)).sum()

    expected = getattr(refimpl.layers, f"{name}_grad")(
        *arguments[:2], upstream, eps=0.02
    )
    actual = backend.grad(total, *map(backend.array, arguments))
    assert_close(map(to_numpy, actual), expected)


def test_dropout_agrees_with_the_modules():
    x = np.random.default_rng(6).normal(size=(50, 4))
    torch.manual_seed(0)
    theirs = torch.nn.functional.dropout(torch.tensor(x), 0.3)
    mask = to_numpy(theirs) != 0
    assert 0.5 < mask.mean() < 0.9
    expected = refimpl.layers.dropout(x, mask, rate=0.3)
    assert_close([to_numpy(theirs)], [expected])
    for backend, module in BACKENDS.items():
        for own in (mask, backend.exact(mask)):
            outputs = module.dropout(backend.array(x), own, rate=0.3)
            assert_close([to_numpy(outputs)], [expected])
    flaxs = to_numpy(nnx.Dropout(0.3, rngs=nnx.Rngs(0))(jnp.array(x)))
    assert_close([flaxs], [refimpl.layers.dropout(x, flaxs != 0, rate=0.3)])


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_half_precision_is_computed_in_single(backend, problem):
    module = BACKENDS[backend]
    x = to_numpy(backend.array(problem[0][0], "bfloat16"))
    weights = [backend.array(part, "float32") for part in problem[1:]]
    options = {"training": True, "momentum": 0.1, "eps": 0.02, "unbiased": True}
    outputs, state = module.batch_norm(
        backend.array(x, "bfloat16"),
        *weights,
        module.init_batch_norm(weights[0]),
        **options,
    )
    scale, bias = problem[1:]
    expected, new = refimpl.layers.batch_norm(
        x, scale, bias, refimpl.layers.init_batch_norm(scale), **options
    )
    assert "bfloat16" in str(outputs.dtype)
    # Half a unit in the last place of a bfloat16.
    np.testing.assert_allclose(to_numpy(outputs), expected, rtol=2**-8, atol=1e-4)
    np.testing.assert_allclose(to_numpy(state.variance), new.variance, rtol=1e-5)


@pytest.mark.parametrize("backend", BACKENDS, ids=str)
def test_names_and_signatures_agree(backend):
    def shapes(module):
        return {
            name: [(p.name, p.kind, p.default) for p in parameters.values()]
            for name, member in inspect.getmembers(module, inspect.isfunction)
            if member.__module__ == module.__name__ and not name.startswith("_")
            for parameters in [inspect.signature(member).parameters]
        }

    expected = shapes(refimpl.layers)
    # Masks are drawn and gradients written out in NumPy only.
    own = {"dropout_mask", "batch_norm_grad", "layer_norm_grad"}
    assert own < set(expected)
    assert shapes(BACKENDS[backend]) == {n: expected[n] for n in set(expected) - own}
