"""Transforms of transforms, and what only part of the arguments takes part in."""

import pytest
import torch
from torch.func import grad, jvp, vmap

import torch_impl
from torch_impl import (
    adaptive_bce_with_logits,
    binary_cross_entropy_with_logits,
    cross_entropy,
    ghmc_loss,
    heatmap_focal_loss,
    sigmoid_focal_loss,
    softmax_focal_loss,
)

GENERATOR = torch.Generator().manual_seed(9)
LABELS = torch.rand(4, generator=GENERATOR)
ROWS = torch.randn(3, 4, generator=GENERATOR)
SCALARS = torch.rand(3, generator=GENERATOR)
LOSSES = {
    "bce": lambda x: binary_cross_entropy_with_logits(x, LABELS),
    "focal": lambda x: sigmoid_focal_loss(x, LABELS),
    "adaptive": lambda x: adaptive_bce_with_logits(x, LABELS, pos_weight=2.0),
    "heat map": lambda x: heatmap_focal_loss(x, LABELS),
    "ghm": lambda x: ghmc_loss(x, LABELS)[0],
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_of_rows_share_their_labels(name):
    slope = grad(LOSSES[name])
    expected = torch.stack([slope(row) for row in ROWS])
    torch.testing.assert_close(vmap(slope)(ROWS), expected, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("option", ["alpha", "gamma", "pos_weight"])
def test_gradients_for_rows_of_a_hyperparameter(option):
    def slope(number):
        return grad(lambda x: sigmoid_focal_loss(x, LABELS, **{option: number}))(
            ROWS[0]
        )

    expected = torch.stack([slope(number) for number in SCALARS])
    torch.testing.assert_close(vmap(slope)(SCALARS), expected, rtol=1e-6, atol=1e-9)


# Dynamo instantiates every autograd.Function that it traces; AOTAutograd scripts.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", LOSSES)
def test_compiled_gradients_of_torch_func(name):
    torch.compiler.reset()
    slope = grad(LOSSES[name])
    compiled = torch.compile(slope, backend="aot_eager")
    torch.testing.assert_close(compiled(ROWS[0]), slope(ROWS[0]), rtol=1e-5, atol=1e-8)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_forward_mode():
    def along(x):
        return jvp(LOSSES["bce"], (x,), (x,))[1]

    compiled = torch.compile(along, backend="aot_eager")
    torch.testing.assert_close(compiled(ROWS[0]), along(ROWS[0]), rtol=1e-5, atol=1e-7)


def test_many_cotangents_at_once_in_blocks(monkeypatch):
    monkeypatch.setattr("torch_impl._blocks._size", lambda: 2)
    x = ROWS[0].clone().requires_grad_()
    each = binary_cross_entropy_with_logits(x, LABELS, reduction="none")
    several = torch.eye(4)
    (batched,) = torch.autograd.grad(
        each, x, several, is_grads_batched=True, retain_graph=True
    )
    total = binary_cross_entropy_with_logits(x, LABELS, reduction="sum")
    (scaled,) = torch.autograd.grad(
        total, x, torch.tensor([1.0, 2.0]), is_grads_batched=True
    )
    assert torch.equal(batched.diagonal(), scaled[0])
    assert torch.equal(scaled[1], 2 * scaled[0])


def test_labels_in_rows_against_shared_logits_in_blocks(monkeypatch):
    labels = torch.rand(2, 4, generator=GENERATOR)
    expected = torch.stack([ghmc_loss(ROWS[0], row)[0] for row in labels])
    monkeypatch.setattr("torch_impl._blocks._size", lambda: 2)
    found = vmap(lambda row: ghmc_loss(ROWS[0], row)[0])(labels)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


def test_slopes_at_the_limit_are_those_of_a_graph():
    gamma = torch.tensor(2.0, requires_grad=True)
    x, y = torch.tensor([-torch.inf]), torch.tensor([0.98])
    loss = sigmoid_focal_loss(x, y, gamma=gamma)
    (plain,) = torch.autograd.grad(loss, gamma, retain_graph=True)
    (recorded,) = torch.autograd.grad(loss, gamma, create_graph=True)
    assert plain == recorded == -torch.inf


def test_a_bad_index_has_no_weight_of_its_own():
    x, y = torch.zeros(2, 2), torch.tensor([1, 7])
    weights = torch.tensor([1.0, 2.0], requires_grad=True)
    for loss in (cross_entropy, softmax_focal_loss):
        parts = loss(
            x, y, class_weights=weights, normalizer="weights", reduction="parts"
        )
        assert torch.isnan(torch.stack(parts)).all()
        mean = loss(x, y, class_weights=weights)
        assert torch.autograd.grad(mean, weights)[0].isnan().any()


def test_a_number_beyond_the_dtype_is_refused_by_name():
    with pytest.raises(ValueError, match="pos_weight must be a number in"):
        torch_impl.binary_cross_entropy_with_logits(ROWS[0], LABELS, pos_weight=1e39)
