"""Trains a stack of classifiers in one program; see ``refimpl.train``."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import grad_and_value, vjp, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from torch_impl import optimizers
from torch_impl.gradients import clip_by_global_norm, global_norm
from torch_impl.layers import dropout as dropped

Array = NDArray[np.float64]
Loss = Callable[..., tuple[Tensor, tuple[Tensor, ...]]]

# Rows whose logits are computed at once: hidden layers of all models stay in the cache.
ROWS = 1024


class Trainer:
    """Multilayer perceptrons stacked by hand: one product for each layer of all models.

    At these sizes a call of PyTorch costs more than its arithmetic, so an update makes
    as few as it can: one backward pass, one clipping and one step of the optimiser for
    all parameters, which lie side by side, a row for each model.

    Arguments as in ``refimpl.train.Trainer``, and with

    Args:
        loss: ``loss(logits, labels, weights, state) -> (values, state)`` of one model;
            what it computes for a stack is ``torch.func.vmap``'s.
        dtype: ``"float32"`` or ``"float64"``.
        device: ``"cpu"`` or ``"cuda"``.
    """

    def __init__(
        self,
        parameters: Sequence[Array],
        features: Array,
        labels: NDArray[Any],
        *,
        loss: Loss,
        state: Sequence[NDArray[Any]],
        optimizer: str,
        constants: Mapping[str, Any],
        max_norm: float | None,
        clip_eps: float,
        dropout: float,
        loss_scale: float | None,
        dtype: str,
        device: str,
    ) -> None:
        self._dtype, self._device = getattr(torch, dtype), torch.device(device)
        self._features, self._labels = self._tensor(features), self._tensor(labels)
        rows = [self._tensor(array).flatten(1) for array in parameters]
        self._stack = torch.cat(rows, 1)
        # Views, which follow when the optimiser writes into the stack.
        self._parameters = [
            own.unflatten(1, array.shape[1:])
            for own, array in zip(
                self._stack.split([row.shape[1] for row in rows], 1),
                parameters,
                strict=True,
            )
        ]
        self._loss, self._state = loss, tuple(self._tensor(part) for part in state)
        self._max_norm, self._clip_eps = max_norm, clip_eps
        self._dropout, self._scale = dropout, loss_scale
        self._programs: dict[Any, Callable[..., Any]] = {}
        self._optimizer = getattr(optimizers, optimizer)([self._stack], **constants)
        self._learning_rate = constants["learning_rate"]

    def run(
        self,
        rows: NDArray[np.int64],
        *,
        coefficients: Array,
        weights: Array | None,
        rates: Array,
        masks: Sequence[NDArray[np.bool_]],
    ) -> tuple[Array, Array]:
        """Makes one update for every batch; see ``refimpl.train.Trainer.run``."""
        parts = [self._tensor(part) for part in (rows, coefficients, *masks)]
        told = None if weights is None else self._tensor(weights)
        trace = []
        with highest_precision():
            for step, rate in enumerate(rates.tolist()):
                self._optimizer.param_groups[0]["lr"] = self._learning_rate * rate
                batch, factors, *kept = (part.select(1, step) for part in parts)
                weight = None if told is None else told.select(1, step)
                trace.append(self._update(batch, factors, weight, kept))
        losses, norms = (torch.stack(part, 1) for part in zip(*trace, strict=True))
        return losses.cpu().double().numpy(), norms.cpu().double().numpy()

    def logits(self, features: Array) -> Array:
        """Returns every model's logits, shaped ``(stack, N)`` or ``(stack, N, C)``."""
        rows = self._tensor(features).flatten(0, -2)
        inputs = rows.expand(len(self._stack), -1, -1)
        with highest_precision():
            parts = [
                stacked_logits(self._parameters, part) for part in inputs.split(ROWS, 1)
            ]
        logits = torch.cat(parts, 1).unflatten(1, features.shape[:-1])
        return logits.cpu().double().numpy()

    def parameters(self) -> list[Array]:
        """Returns the parameters, as they were given."""
        return [own.cpu().double().numpy().copy() for own in self._parameters]

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        # A copy: the optimiser writes into its parameters.
        dtype = self._dtype if array.dtype.kind == "f" else None
        return torch.tensor(array, dtype=dtype, device=self._device)

    def _update(
        self,
        rows: Tensor,
        coefficients: Tensor,
        weights: Tensor | None,
        masks: list[Tensor],
    ) -> tuple[Tensor, Tensor]:
        flat = rows.flatten()
        features, labels = (
            part.index_select(0, flat).unflatten(0, rows.shape)
            for part in (self._features, self._labels)
        )
        batch = features, labels, coefficients, weights, masks
        arguments = (self._parameters, self._state, *batch)
        key = rows.shape, weights is None
        if key not in self._programs:
            # Differentiated once: what remains is a flat list of tensor operations.
            self._programs[key] = make_fx(self._clipped)(*arguments)
        self._stack.grad, self._state, loss, norm = self._programs[key](*arguments)
        self._optimizer.step()
        return loss, norm

    def _clipped(
        self, parameters: list[Tensor], state: tuple[Tensor, ...], *batch: Any
    ) -> tuple[Tensor, tuple[Tensor, ...], Tensor, Tensor]:
        gradients, state, loss = self._gradients(parameters, state, *batch)
        stack = torch.cat([own.flatten(1) for own in gradients], 1)
        if self._max_norm is None:
            return stack, state, loss, global_norm(stack, stack_axes=1)
        clipped, norm = clip_by_global_norm(
            stack, self._max_norm, eps=self._clip_eps, stack_axes=1
        )
        return clipped, state, loss, norm

    def _gradients(
        self,
        parameters: list[Tensor],
        state: tuple[Tensor, ...],
        features: Tensor,
        labels: Tensor,
        coefficients: Tensor,
        weights: Tensor | None,
        masks: list[Tensor],
    ) -> tuple[list[Tensor], tuple[Tensor, ...], Tensor]:
        def network(parameters: list[Tensor]) -> Tensor:
            return stacked_logits(parameters, features, masks, rate=self._dropout)

        def total(logits: Tensor) -> tuple[Tensor, Any]:
            # Within a transform a loss looks at no number, which would not be traced.
            values, after = losses(logits, labels, weights, state)
            if values.ndim > 2:
                values = values.flatten(2).sum(-1)
            loss = (coefficients * values).sum(-1)
            return loss.sum(), (after, loss)

        axes = (0, 0, None if weights is None else 0, 0)
        losses = vmap(self._loss, in_dims=axes)
        logits, pull = vjp(network, parameters)[:2]
        if self._scale is not None:
            logits = in_half(logits)
        upstream, (_, (state, loss)) = grad_and_value(total, has_aux=True)(logits)
        if self._scale is not None:
            upstream = in_half(upstream * self._scale) / self._scale
        return pull(upstream)[0], state, loss


def in_half(values: Tensor) -> Tensor:
    """Rounds to what float16 can hold, as a cast to it and back.

    A cast of float64 would round twice, by way of float32.
    """
    magnitude = values.abs()
    # Below the smallest normal number the spacing stays the same.
    top = magnitude.clamp(min=2.0**-14)
    unit = top / torch.frexp(top).mantissa * 2.0**-11
    rounded = (values / unit).round() * unit
    return torch.where(magnitude < 65520.0, rounded, values * torch.inf)


def stacked_logits(
    parameters: Sequence[Tensor],
    features: Tensor,
    masks: Sequence[Tensor] = (),
    *,
    rate: float = 0.0,
) -> Tensor:
    """Computes the outputs of a stack of models; see ``refimpl.mlp``.

    Args:
        parameters: ``[W_0, b_0, ...]`` with a leading stack axis.
        features: Shaped ``(stack, *rows, n_0)``.
        masks: What dropout keeps of each hidden layer; none without dropout.
        rate: Of dropout.

    Returns:
        Logits, shaped ``(stack, *rows)``, or ``(stack, *rows, n_L)`` unless n_L is 1.
    """
    *hidden_layers, kernel, bias = parameters
    hidden = features.flatten(1, -2)
    layers = zip(hidden_layers[::2], hidden_layers[1::2], strict=True)
    for index, (weight, own) in enumerate(layers):
        hidden = torch.baddbmm(own.unsqueeze(1), hidden, weight).tanh()
        if masks:
            hidden = dropped(hidden, masks[index], rate=rate)
    if kernel.shape[-1] == 1:
        # A product with one column is slow as a product of matrices.
        logits = (hidden * kernel[..., 0].unsqueeze(1)).sum(-1) + bias
    else:
        logits = torch.baddbmm(bias.unsqueeze(1), hidden, kernel)
    return logits.unflatten(1, features.shape[1:-1])


@contextmanager
def highest_precision() -> Iterator[None]:
    """Keeps TF32 out of matrix products, and restores the flag afterwards."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
