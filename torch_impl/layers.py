"""Layers with every constant explicit; see :mod:`refimpl.layers`."""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from refimpl import _validate
from refimpl import _validate_layers as _door
from torch_impl._inputs import computed


class BatchStatistics(NamedTuple):
    """State of :func:`batch_norm`; see :mod:`refimpl.layers`."""

    mean: Tensor
    variance: Tensor


def dropout(inputs: Tensor, mask: Any, *, rate: float) -> Tensor:
    """Computes :func:`refimpl.layers.dropout`; the mask may be a NumPy array."""
    _door.check_dropout(inputs, mask, rate)
    kept = torch.as_tensor(mask, device=inputs.device)
    return torch.where(kept, inputs / (1.0 - rate), 0.0)


def init_batch_norm(scale: Tensor) -> BatchStatistics:
    """Computes :func:`refimpl.layers.init_batch_norm`."""
    _validate.check_floating("scale", scale)
    mean = torch.zeros_like(scale, requires_grad=False)
    return BatchStatistics(mean, torch.ones_like(mean))


def batch_norm(
    inputs: Tensor,
    scale: Tensor,
    bias: Tensor,
    state: BatchStatistics,
    *,
    training: bool,
    momentum: float,
    eps: float,
    unbiased: bool,
) -> tuple[Tensor, BatchStatistics]:
    """Computes :func:`refimpl.layers.batch_norm`."""
    _door.check_running(training, unbiased, momentum)
    running = _door.named_statistics(state)
    _door.check_norm(inputs, eps, scale=scale, bias=bias, **running)
    rows = inputs.reshape(-1, inputs.shape[-1])
    if training:
        _door.check_batch(inputs)
    outputs = functional.batch_norm(
        rows,
        *((None, None) if training else state),
        weight=scale,
        bias=bias,
        training=training,
        momentum=0.0,
        eps=eps,
    )
    if training:
        wide = computed("inputs", rows.detach())
        variance, mean = torch.var_mean(wide, 0, correction=int(unbiased))
        state = BatchStatistics(
            torch.lerp(state.mean, mean.to(state.mean.dtype), momentum),
            torch.lerp(state.variance, variance.to(state.variance.dtype), momentum),
        )
    return outputs.reshape(inputs.shape), state


def layer_norm(inputs: Tensor, scale: Tensor, bias: Tensor, *, eps: float) -> Tensor:
    """Computes :func:`refimpl.layers.layer_norm`."""
    _door.check_norm(inputs, eps, scale=scale, bias=bias)
    return functional.layer_norm(
        inputs, inputs.shape[-1:], weight=scale, bias=bias, eps=eps
    )
