"""One sweep for value and gradient: what it saves, and what it must not change."""

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

import torch_impl
from conformance.bench.torch_runtime import peak_on_cpu
from torch_impl import _blocks, cross_entropy

GENERATOR = torch.Generator().manual_seed(3)
N = 1 << 16


def _draw(*shape):
    return 3 * torch.randn(shape, generator=GENERATOR)


HARD = (_draw(N) > 4).float()
CASES = {
    "binary_cross_entropy_with_logits": (_draw(N), HARD, {"pos_weight": 3.0}),
    "sigmoid_focal_loss": (_draw(N), HARD, {"alpha": 0.25, "gamma": 1.5}),
    "adaptive_bce_with_logits": (_draw(N), HARD, {"pos_weight": 2.0}),
    "cross_entropy": (
        _draw(N // 32, 32),
        torch.randint(0, 32, (N // 32,), generator=GENERATOR),
        {"class_weights": torch.rand(32) + 0.5, "label_smoothing": 0.1},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_one_sweep_agrees_with_value_and_gradient_apart(name):
    logits, labels, options = CASES[name]
    loss = getattr(torch_impl, name)
    x = logits.clone().requires_grad_()
    together = loss(x, labels, reduction="sum", **options)
    (gradient,) = torch.autograd.grad(together, x)
    apart = loss(x, labels, reduction="none", **options)
    (expected,) = torch.autograd.grad(apart.sum(), x)
    with torch.no_grad():
        alone = loss(x, labels, reduction="sum", **options)
    torch.testing.assert_close(together, apart.sum(), rtol=1e-5, atol=0)
    assert torch.equal(together, alone)
    torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_the_way_back_only_scales(name):
    logits, labels, options = CASES[name]
    x = logits.clone().requires_grad_()
    total = getattr(torch_impl, name)(x, labels, reduction="mean", **options)
    with profile(activities=[ProfilerActivity.CPU]) as watch:
        total.backward()
    called = {event.key for event in watch.key_averages()}
    assert not called & {"aten::sigmoid", "aten::exp", "aten::exp2_", "aten::log1p"}


@pytest.mark.parametrize("name", CASES)
def test_backward_twice_gives_the_same(name):
    logits, labels, options = CASES[name]
    x = logits.clone().requires_grad_()
    total = getattr(torch_impl, name)(x, labels, **options)
    (first,) = torch.autograd.grad(total, x, retain_graph=True)
    kept = first.clone()
    first.zero_()  # the user's to write to
    (second,) = torch.autograd.grad(total, x)
    assert torch.equal(second, kept)


@pytest.mark.parametrize("name", CASES)
def test_gradient_of_a_gradient_starts_from_the_arguments(name):
    logits, labels, options = CASES[name]
    few = slice(0, 8)
    x = logits[few].double().requires_grad_()
    options = {k: v.double() if torch.is_tensor(v) else v for k, v in options.items()}
    y = labels[few].double() if labels.is_floating_point() else labels[few]

    def total(x):
        return getattr(torch_impl, name)(x, y, **options)

    assert torch.autograd.gradgradcheck(total, x)


@pytest.mark.parametrize("name", CASES)
def test_memory_is_that_of_slope_and_gradient(name, monkeypatch):
    monkeypatch.setattr(_blocks, "_size", lambda: 1 << 11)
    logits, labels, options = CASES[name]
    x = logits.clone().requires_grad_()

    def call():
        total = getattr(torch_impl, name)(x, labels, **options)
        return torch.autograd.grad(total, x)

    assert peak_on_cpu(call) <= 2.5 * x.numel() * x.element_size()


def test_many_classes_need_no_row_of_probabilities_each():
    x = _draw(64, 5000)
    labels = torch.randint(0, 5000, (64,), generator=GENERATOR)
    # The distances, the powers and those below 1: no one-hot, nothing of 64 bits.
    peak = peak_on_cpu(lambda: cross_entropy(x, labels))
    assert peak <= 4.1 * x.numel() * x.element_size()


def test_zero_labels_stay_labels_where_subnormals_are_flushed():
    if not torch.set_flush_denormal(True):
        pytest.skip("this processor does not flush subnormals")
    try:
        value = torch_impl.sigmoid_focal_loss(torch.zeros(3), torch.zeros(3))
    finally:
        torch.set_flush_denormal(False)
    torch.testing.assert_close(value, torch.tensor(0.1732868), rtol=1e-6, atol=0)
