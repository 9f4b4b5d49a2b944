import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from conformance.bench.jax_runtime import JaxCall
from conformance.bench.torch_runtime import TorchRuntime, peak_on_cpu

N = 100_000
BYTES = 4 * N


def test_nothing_is_held_by_nothing():
    assert peak_on_cpu(lambda: None) == 0


def test_the_worst_moment_counts_and_not_the_sum():
    def call():
        for _ in range(5):
            first = torch.empty(N)
            second = torch.empty(N)
            del first, second
        return torch.empty(N)

    assert peak_on_cpu(call) == 2 * BYTES


def test_inputs_do_not_count_and_temporaries_do():
    x = torch.ones(N)
    # Two sines and their sum, all alive when the last is made.
    assert peak_on_cpu(lambda: torch.sin(x) + torch.sin(x)) == 3 * BYTES


def test_what_autograd_saves_counts():
    x = torch.ones(N, requires_grad=True)
    (nothing_saved,) = (peak_on_cpu(lambda: torch.autograd.grad((x + 1).sum(), x)),)
    saved = peak_on_cpu(lambda: torch.autograd.grad(x.exp().exp().exp().sum(), x))
    assert nothing_saved < 2 * BYTES
    assert saved > 3 * BYTES


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_buffers_of_compiled_kernels_count():
    # A sort cannot be fused: its input and both of its outputs are buffers.
    x = torch.ones(N)
    call = torch.compile(lambda x: torch.sort(x * 2).values + 1, dynamic=False)
    call(x)
    assert 3 * BYTES <= peak_on_cpu(lambda: call(x)) <= 6 * BYTES
    TorchRuntime("cpu").forget()


def test_jax_counts_temporaries_and_results():
    x = jnp.ones(N)

    def temporary(x):
        # A sort cannot be fused with what comes after it.
        return jnp.sum(jnp.sort(x) * jnp.arange(N))

    def peak(function):
        return JaxCall(jax.jit(function), (x,), on_cpu=True).peak()

    assert peak(lambda x: (x.sum(), x * 2)) == pytest.approx(BYTES, rel=0.01)
    assert peak(temporary) >= BYTES
    assert np.isfinite(temporary(x))
