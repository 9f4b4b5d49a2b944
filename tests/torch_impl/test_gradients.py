"""What only PyTorch has: parameters with a ``grad``, and clipping in place."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from refimpl.gradients import global_norm as reference_norm
from torch_impl.clip_grad import clip_grad_norm_
from torch_impl.gradients import (
    check_finite,
    clip_by_global_norm,
    global_norm,
    largest_gradients,
)


@pytest.fixture
def module():
    torch.manual_seed(0)
    layers = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))
    layers[1].bias.requires_grad_(False)
    (30.0 * layers(torch.randn(5, 4)).square()).sum().backward()
    return layers


def test_a_parameter_stands_for_its_gradient(module):
    grads = {name: p.grad for name, p in module.named_parameters()}
    assert grads["1.bias"] is None
    collections = [
        grads,
        module.named_parameters(),
        dict(module.named_parameters()),
    ]
    for named in collections:
        clipped, _ = clip_by_global_norm(named, 1.0, eps=0.0)
        assert list(clipped) == list(grads)
        assert clipped["1.bias"] is None
        # Squares of 26 rounded entries.
        assert float(global_norm(clipped)) == pytest.approx(1.0, rel=1e-6)
    norms = [float(global_norm(c)) for c in (grads, module.parameters())]
    assert norms[0] == norms[1] > 1.0
    largest = largest_gradients(module.named_parameters(), per="layer")
    assert {name: float(value) for name, value in largest.items()} == {
        "0": max(
            float(module[0].weight.grad.abs().max()), float(grads["0.bias"].abs().max())
        ),
        "1": float(module[1].weight.grad.abs().max()),
    }


@pytest.mark.parametrize("max_norm", [0.3, 1e9])
def test_clipping_in_place_is_torchs(module, max_norm):
    before = {
        n: p.grad.clone() for n, p in module.named_parameters() if p.requires_grad
    }
    theirs_norm = torch.nn.utils.clip_grad_norm_(module.parameters(), max_norm)
    theirs = {
        name: p.grad.clone() for name, p in module.named_parameters() if name in before
    }
    for name, parameter in module.named_parameters():
        if name in before:
            parameter.grad.copy_(before[name])
    places = {name: p.grad for name, p in module.named_parameters()}
    norm = clip_grad_norm_(module.parameters(), max_norm)
    # Two orders of summation, and roundings of the scale.
    torch.testing.assert_close(norm, theirs_norm, rtol=1e-6, atol=0)
    for name, parameter in module.named_parameters():
        assert parameter.grad is places[name]
        if name in before:
            torch.testing.assert_close(parameter.grad, theirs[name], rtol=1e-6, atol=0)


def test_clipping_in_place_takes_one_tensor_and_half_precision():
    parameter = torch.nn.Parameter(torch.zeros(2, dtype=torch.float16))
    parameter.grad = torch.tensor([6e4, 6e4], dtype=torch.float16)
    norm = clip_grad_norm_(parameter, 3.0, eps=0.0)
    # torch's norm in float16 is infinite, and what it leaves is 0.
    assert float(norm) == pytest.approx(6e4 * 2**0.5, rel=1e-3)
    expected = torch.full((2,), 3 / 2**0.5, dtype=torch.float16)
    assert torch.equal(parameter.grad, expected)


def test_norm_of_many_entries_keeps_its_digits():
    # Long enough for pieces, with an unequal last one. Added one after the other, ten
    # million equal squares lose the fourth digit in float32.
    gradient = torch.full((10_000_003,), 0.3)
    exact = float(gradient[0].double()) * np.sqrt(10_000_003)
    assert float(global_norm([gradient])) == pytest.approx(exact, rel=3e-7)


def test_pieces_of_a_stack_belong_to_their_model():
    generator = np.random.default_rng(0)
    stacked = (
        generator.normal(size=(2, 3, 50_000)) * np.array([1.0, 20.0])[:, None, None]
    )
    found = global_norm([torch.tensor(stacked)], stack_axes=1)
    expected = reference_norm([stacked], stack_axes=1)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-14)


def test_norm_is_differentiable():
    gradient = torch.tensor([3.0, -4.0], dtype=torch.float64, requires_grad=True)
    global_norm([gradient]).backward()
    torch.testing.assert_close(gradient.grad, gradient.detach() / 5)


def test_bfloat16_is_described_too():
    bad = torch.tensor([[1.0, torch.inf]], dtype=torch.bfloat16)
    with pytest.raises(FloatingPointError, match=r"first at \(0, 1\): inf"):
        check_finite({"kernel": bad})


def test_clipping_in_place_calls_as_often_for_many_small_gradients():
    def calls(count):
        parameters = [torch.zeros(3) for _ in range(count)]
        for parameter in parameters:
            parameter.grad = torch.ones(3)
        seen = []

        class Watch(TorchDispatchMode):
            def __torch_dispatch__(self, func, types, args=(), kwargs=None):
                seen.append(func)
                return func(*args, **(kwargs or {}))

        with Watch():
            clip_grad_norm_(parameters, 1.0)
        return [func for func in seen if not func.is_view]

    assert calls(200) == calls(2)


def test_clipping_in_place_takes_several_dtypes():
    # More than a piece of one of them, in two of its gradients.
    grads = [
        torch.full((40_000,), 3.0, dtype=dtype)
        for dtype in (torch.float32, torch.float64, torch.float32, torch.bfloat16)
    ]
    parameters = [torch.zeros_like(grad) for grad in grads]
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = grad
    norm = clip_grad_norm_(parameters, 400.0, eps=0.0)
    assert norm.dtype == torch.float64
    # The float32 squares of 3 are whole numbers.
    assert float(norm) == pytest.approx(1200.0, rel=1e-15)
    for grad in grads:
        # A factor of a third is not exact in any of them.
        assert float(grad[7]) == pytest.approx(
            1.0, rel=float(torch.finfo(grad.dtype).eps)
        )
