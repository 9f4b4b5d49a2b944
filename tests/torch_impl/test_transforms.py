"""What only PyTorch can get wrong: tracing, export, forward mode, default dtype."""

import numpy as np
import pytest
import torch

import torch_impl
from torch_impl import (
    adaptive_bce_with_logits,
    binary_cross_entropy_with_logits,
    sigmoid_focal_loss,
)

LOGITS = torch.tensor([0.5, -3.0, 12.0])
LABELS = torch.tensor([1.0, 0.25, 0.0])


# Dynamo instantiates every autograd.Function that it traces.
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("dynamic", [None, True])
def test_python_numbers_may_change_under_compile(dynamic):
    # Dynamo alone decides what traces; its own backend runs the graph as it is.
    compiled = torch.compile(
        lambda gamma, alpha, weight: sigmoid_focal_loss(
            LOGITS, LABELS, gamma=gamma, alpha=alpha, pos_weight=weight
        ),
        fullgraph=True,
        dynamic=dynamic,
        backend="eager",
    )
    for gamma, alpha, weight in ((2.0, 0.25, 3.0), (0.5, 0.75, 2.0), (1.5, 0.5, 5)):
        expected = sigmoid_focal_loss(
            LOGITS, LABELS, gamma=gamma, alpha=alpha, pos_weight=weight
        )
        assert torch.equal(compiled(gamma, alpha, weight), expected)


NUMBERS = {
    "binary_cross_entropy_with_logits": ("label_smoothing", (LOGITS, LABELS)),
    "adaptive_bce_with_logits": ("pos_weight", (LOGITS, LABELS)),
    "cross_entropy": ("label_smoothing", (LOGITS, torch.tensor(1))),
    "softmax_focal_loss": ("gamma", (LOGITS, torch.tensor(1))),
    "heatmap_focal_loss": ("beta", (LOGITS, LABELS)),
    "ghmr_loss": ("mu", (LOGITS, LABELS)),
    "ghmc_loss": ("momentum", (LOGITS, LABELS)),
}


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("dynamic", [None, True])
@pytest.mark.parametrize("name", NUMBERS)
def test_schedules_of_numbers_compile(name, dynamic):
    torch.compiler.reset()  # Dynamo limits graphs per code object
    option, tensors = NUMBERS[name]

    def loss(number):
        return getattr(torch_impl, name)(*tensors, **{option: number})

    compiled = torch.compile(loss, fullgraph=True, dynamic=dynamic, backend="eager")
    for number in (0.25, 0.5, 0.75):
        found, expected = compiled(number), loss(number)
        if isinstance(expected, tuple):
            found, expected = found[0], expected[0]
        assert torch.equal(found, expected)


class Module(torch.nn.Module):
    def __init__(self, reduction):
        super().__init__()
        self.reduction = reduction

    def forward(self, logits, labels):
        return binary_cross_entropy_with_logits(
            logits, labels, reduction=self.reduction
        )


@pytest.mark.parametrize("reduction", ["none", "sum", "mean", "parts"])
def test_export_keeps_a_dynamic_size(reduction):
    size = torch.export.Dim("size")
    module = Module(reduction)
    shapes = {"logits": {0: size}, "labels": {0: size}}
    exported = torch.export.export(module, (LOGITS, LABELS), dynamic_shapes=shapes)
    longer = LOGITS.repeat(3), LABELS.repeat(3)
    actual, expected = exported.module()(*longer), module(*longer)
    torch.testing.assert_close(actual, expected, rtol=1e-6, atol=0)


@pytest.mark.parametrize("loss", [binary_cross_entropy_with_logits, sigmoid_focal_loss])
def test_forward_mode_has_the_limit_at_infinity(loss):
    x, y = torch.tensor([torch.inf, -1.0]), torch.tensor([1.0, 0.0])

    def each(x):
        return loss(x, y, reduction="none")

    forward = torch.func.jvp(each, (x,), (torch.ones(2),))[1]
    reverse = torch.func.grad(lambda x: each(x).sum())(x)
    assert forward[0] == 0
    assert torch.equal(forward, reverse)


def test_default_dtype_changes_nothing():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        loss = sigmoid_focal_loss(LOGITS, LABELS, alpha=0.25, reduction="none")
    finally:
        torch.set_default_dtype(before)
    assert loss.dtype == torch.float32


def test_numpy_logits_are_refused_by_name():
    array = np.ones(3, np.float32)
    with pytest.raises(TypeError, match="logits must be a tensor, got ndarray"):
        sigmoid_focal_loss(array, array)  # pyright: ignore[reportArgumentType] - the point


@pytest.mark.parametrize(
    "loss",
    [
        binary_cross_entropy_with_logits,
        sigmoid_focal_loss,
        lambda x, y, **k: adaptive_bce_with_logits(x, y, pos_weight=5.0, **k),
    ],
)
def test_hessian_by_every_mixture_of_modes(loss):
    def summed(x):
        return loss(x, LABELS, reduction="sum")

    func = torch.func
    expected = func.jacrev(func.jacrev(summed))(LOGITS)
    assert expected.diag().abs().min() > 0
    for outer, inner in ((func.jacfwd, func.jacrev), (func.jacrev, func.jacfwd)):
        actual = outer(inner(summed))(LOGITS)
        torch.testing.assert_close(actual, expected, rtol=1e-6, atol=0)


@pytest.mark.xfail(
    strict=True,
    reason="torch drops the outer tangent of any autograd.Function under nested jvp",
)
def test_hessian_by_forward_mode_twice():
    def summed(x):
        return sigmoid_focal_loss(x, LABELS, reduction="sum")

    func = torch.func
    expected = func.hessian(summed)(LOGITS)
    actual = func.jacfwd(func.jacfwd(summed))(LOGITS)
    torch.testing.assert_close(actual, expected, rtol=1e-6, atol=0)
