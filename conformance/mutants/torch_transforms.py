"""Faults that show under a transform of PyTorch alone."""

from typing import Any

import torch
from torch import Tensor

from conformance.mutants.torch_binary import bce, detached_weight, focal
from conformance.mutants.torch_reduce import reduce


def detached_weight_of_scalars(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """Wrong where vmap takes the elements one by one."""
    loss = detached_weight if logits.ndim == 0 else focal
    return loss(logits, labels, **options)


def flat_gradient(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """Right up to the first derivative, whose own derivative is 0."""
    x, y, reduction = logits.detach(), labels.detach(), options.pop("reduction")
    slope = (1 - y) * torch.sigmoid(x) - y * torch.sigmoid(-x)
    loss = bce(x, labels, reduction="none", **options) + slope * (logits - x)
    return reduce(loss, loss.numel(), reduction)


class _SteepForward(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keeps nothing."""

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Any:
        del ctx
        return grad_outputs[0]

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Tensor) -> Any:
        del ctx
        return 1.01 * grad_inputs[0]


def steep_forward_mode(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    return focal(_SteepForward.apply(logits), labels, **options)


def lowered_by_autocast(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """A product of matrices, which autocast takes in half precision."""
    loss = focal(logits, labels, **options)
    return (loss[..., None] @ loss.new_ones(1, 1))[..., 0]
