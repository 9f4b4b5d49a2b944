import copy
import inspect
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jax_impl
from jax_impl.modules import GHMCLoss, GHMRLoss, LossState

GENERATOR = np.random.default_rng(9)
BATCHES = [
    (jnp.asarray(x), jnp.asarray(y))
    for x, y in zip(
        GENERATOR.normal(0, 3, (4, 50)).astype(np.float32),
        GENERATOR.integers(0, 2, (4, 50)).astype(np.float32),
        strict=True,
    )
]
OPTIONS = {"bins": 7, "momentum": 0.75, "debias": False, "average_over": "bins"}
PAIRS = [
    (GHMCLoss, jax_impl.ghmc_loss, {}),
    (GHMRLoss, jax_impl.ghmr_loss, {"mu": 0.3}),
]


@pytest.mark.parametrize(("module", "function"), [pair[:2] for pair in PAIRS])
def test_constructor_takes_the_options_of_the_function(module, function):
    def options(callable):
        parameters = inspect.signature(callable).parameters.values()
        every = list(inspect.signature(function).parameters)
        absent = {"self", "sample_mask", *every[:3]}
        return {p.name: p.default for p in parameters if p.name not in absent}

    assert options(module.__init__) == options(function)


@pytest.mark.parametrize(("module", "function", "own"), PAIRS)
def test_module_is_the_function_with_a_memory(module, function, own):
    module, state = module(**OPTIONS, **own), None
    for x, y in BATCHES:
        mask = jnp.abs(x) < 4
        expected, state = function(x, y, state, sample_mask=mask, **OPTIONS, **own)
        assert module(x, y, sample_mask=mask) == expected
        np.testing.assert_array_equal(module.counts[...], state.counts)
        np.testing.assert_array_equal(module.updates[...], state.updates)


def test_state_keeps_its_dtype():
    narrow = GHMCLoss(momentum=0.7)
    with jax.enable_x64(True):
        wide = GHMCLoss(momentum=0.7)
        x, y = (np.asarray(array, np.float64) for array in BATCHES[0])
        expected, state = jax_impl.ghmc_loss(x, y, momentum=0.7)
        assert wide(x, y) == narrow(x, y) == expected
        np.testing.assert_array_equal(wide.counts[...], state.counts)
        assert wide.counts[...].dtype == jnp.float64
        assert narrow.counts[...].dtype == jnp.float32
        assert wide.updates[...].dtype == narrow.updates[...].dtype == jnp.int32


def test_jit_and_grad_update_the_state():
    @nnx.jit
    def step(module, x, y):
        # Only the logits are differentiated; the module is threaded through.
        return nnx.value_and_grad(lambda x, m: m(x, y))(x, module)

    compiled, eager = GHMCLoss(**OPTIONS), GHMCLoss(**OPTIONS)
    for x, y in BATCHES:
        loss, gradient = step(compiled, x, y)
        np.testing.assert_allclose(loss, eager(x, y), rtol=1e-6)
        assert jnp.abs(gradient).min() > 0
    np.testing.assert_allclose(compiled.counts[...], eager.counts[...], rtol=1e-6)
    np.testing.assert_array_equal(compiled.updates[...], eager.updates[...])
    assert compiled.updates[...].sum() > 0


def test_grad_of_a_model_that_holds_the_loss():
    class Model(nnx.Module):
        def __init__(self):
            self.scale = nnx.Param(jnp.ones(()))
            self.loss = GHMCLoss(momentum=0.5)

        def __call__(self, x, y):
            return self.loss(self.scale[...] * x, y)

    model = Model()
    gradient = nnx.grad(lambda model: model(*BATCHES[0]))(model)
    assert gradient["scale"][...] != 0
    assert "loss" not in gradient
    assert model.loss.counts[...].sum() == 25


def test_split_and_merge_make_a_pure_loop():
    graph, state = nnx.split(GHMCLoss(**OPTIONS))

    def step(state, batch):
        module = nnx.merge(graph, state)
        loss = module(*batch)
        return nnx.split(module)[1], loss

    batches = tuple(jnp.stack(arrays) for arrays in zip(*BATCHES, strict=True))
    state, losses = jax.lax.scan(step, state, batches)
    eager = GHMCLoss(**OPTIONS)
    expected = [eager(x, y) for x, y in BATCHES]
    np.testing.assert_allclose(losses, jnp.stack(expected), rtol=1e-6)
    restored = nnx.merge(graph, state)
    np.testing.assert_allclose(restored.counts[...], eager.counts[...], rtol=1e-6)


def test_state_can_be_told_from_parameters():
    found = nnx.state(GHMCLoss(), LossState)
    assert set(found) == {"counts", "updates"}
    assert not nnx.state(GHMCLoss(), nnx.Param)


def test_evaluation_uses_the_state_and_leaves_it():
    module = GHMCLoss(momentum=0.75)
    module(*BATCHES[0])
    module.eval()
    before = module.counts[...]
    first, second = module(*BATCHES[1]), module(*BATCHES[1])
    assert first == second
    assert first != GHMCLoss(momentum=0.75)(*BATCHES[1])
    np.testing.assert_array_equal(module.counts[...], before)
    module.train()
    assert module(*BATCHES[1]) == first
    assert (module.counts[...] != before).any()


def test_reset_forgets_and_copies_are_apart():
    module = GHMCLoss(momentum=0.75)
    first = module(*BATCHES[0])
    other = copy.deepcopy(module)
    module(*BATCHES[1])
    assert (other.counts[...] != module.counts[...]).any()
    module.reset()
    assert not module.counts[...].any()
    assert not module.updates[...].any()
    assert module(*BATCHES[0]) == first


def test_counts_are_summed_over_shards():
    module = GHMCLoss(reduce_counts=lambda counts: 2 * counts)
    module(*BATCHES[0])
    assert module.counts[...].sum() == 2 * len(BATCHES[0][0])


@pytest.mark.parametrize(
    ("module", "options", "text"),
    [
        (GHMCLoss, {"bins": 0}, "bins must be"),
        (GHMCLoss, {"momentum": 1.0}, r"momentum must be in \[0, 1\)"),
        (GHMCLoss, {"reduction": "avg"}, "reduction must be one of"),
        (GHMRLoss, {"mu": 0.0}, "mu must be"),
    ],
)
def test_bad_options_are_refused_at_once(module, options, text):
    with pytest.raises(ValueError, match=text):
        module(**options)


def test_functions_do_not_load_flax():
    code = "import sys, jax_impl; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "flax" not in loaded.stdout.split()
