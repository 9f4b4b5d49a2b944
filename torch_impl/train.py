"""Trains a stack of binary classifiers in one program; see ``refimpl.train``."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import grad_and_value
from torch.fx.experimental.proxy_tensor import make_fx

from torch_impl.gradients import clip_by_global_norm
from torch_impl.optimizers import adamw

Array = NDArray[np.float64]

# Rows whose logits are computed at once: hidden layers of all models stay in the cache.
ROWS = 1024


class Trainer:
    """Multilayer perceptrons stacked by hand: one product for each layer of all models.

    At these sizes a call of PyTorch costs more than its arithmetic, so an update makes
    as few as it can: one backward pass, one clipping and one step of the optimiser for
    all parameters, which lie side by side, a row for each model.

    Arguments as in ``refimpl.train.Trainer``, without ``loss_grad``, and with

    Args:
        dtype: ``"float32"`` or ``"float64"``.
        device: ``"cpu"`` or ``"cuda"``.
    """

    def __init__(
        self,
        parameters: Sequence[Array],
        features: Array,
        labels: Array,
        *,
        loss: Callable[..., Tensor],
        learning_rate: float,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        max_norm: float,
        clip_eps: float,
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
        self._loss, self._max_norm, self._clip_eps = loss, max_norm, clip_eps
        self._programs: dict[torch.Size, Callable[..., Any]] = {}
        self._optimizer = adamw(
            [self._stack],
            learning_rate=learning_rate,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            weight_decay=weight_decay,
        )

    def run(self, indices: NDArray[np.int64], pos_weight: Array) -> tuple[Array, Array]:
        """Makes one update for every batch; see ``refimpl.train.Trainer.run``."""
        rows = torch.as_tensor(indices, device=self._device)
        weights = self._tensor(pos_weight)
        with highest_precision():
            trace = [self._update(batch, weights) for batch in rows.unbind(1)]
        losses, norms = (torch.stack(part, 1) for part in zip(*trace, strict=True))
        return losses.cpu().double().numpy(), norms.cpu().double().numpy()

    def logits(self, features: Array) -> Array:
        """Returns every model's logits, shaped ``(stack, N)``."""
        inputs = self._tensor(features).expand(len(self._stack), -1, -1)
        with highest_precision():
            parts = [
                stacked_logits(self._parameters, part) for part in inputs.split(ROWS, 1)
            ]
        return torch.cat(parts, 1).cpu().double().numpy()

    def parameters(self) -> list[Array]:
        """Returns the parameters, as they were given."""
        return [own.cpu().double().numpy().copy() for own in self._parameters]

    def _tensor(self, array: Array) -> Tensor:
        # A copy: the optimiser writes into its parameters.
        return torch.tensor(array, dtype=self._dtype, device=self._device)

    def _update(self, rows: Tensor, pos_weight: Tensor) -> tuple[Tensor, Tensor]:
        flat = rows.flatten()
        features, labels = (
            part.index_select(0, flat).unflatten(0, rows.shape)
            for part in (self._features, self._labels)
        )
        arguments = (self._parameters, features, labels, pos_weight)
        if rows.shape not in self._programs:
            # Differentiated once: what remains is a flat list of tensor operations.
            self._programs[rows.shape] = make_fx(self._clipped)(*arguments)
        self._stack.grad, loss, norm = self._programs[rows.shape](*arguments)
        self._optimizer.step()
        return loss, norm

    def _clipped(
        self, parameters: list[Tensor], *batch: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        gradients, loss = self._gradient(parameters, *batch)
        clipped, norm = clip_by_global_norm(
            gradients, self._max_norm, eps=self._clip_eps, stack_axes=1
        )
        return clipped, loss, norm

    def _gradient(
        self, parameters: list[Tensor], *batch: Tensor
    ) -> tuple[Tensor, Tensor]:
        # Within a transform a loss looks at no number, which would not be traced.
        gradients, (_, loss) = grad_and_value(self._total, has_aux=True)(
            parameters, *batch
        )
        return torch.cat([own.flatten(1) for own in gradients], 1), loss

    def _total(self, parameters: list[Tensor], *batch: Tensor) -> tuple[Tensor, Tensor]:
        features, labels, pos_weight = batch
        logits = stacked_logits(parameters, features)
        # Models go last: that is the axis along which the losses take weights.
        terms = self._loss(logits.T, labels.T, pos_weight=pos_weight, reduction="none")
        loss = terms.mean(0)
        return loss.sum(), loss


def stacked_logits(parameters: Sequence[Tensor], features: Tensor) -> Tensor:
    """Computes the first outputs of a stack of models; see ``refimpl.mlp``.

    Args:
        parameters: ``[W_0, b_0, ...]`` with a leading stack axis.
        features: Shaped ``(stack, batch, n_0)``.

    Returns:
        Logits, shaped ``(stack, batch)``.
    """
    *hidden_layers, kernel, bias = parameters
    hidden = features
    for weight, own in zip(hidden_layers[::2], hidden_layers[1::2], strict=True):
        hidden = torch.baddbmm(own.unsqueeze(1), hidden, weight).tanh()
    # A product with one column is slow as a product of matrices.
    return (hidden * kernel[..., 0].unsqueeze(1)).sum(-1) + bias[..., :1]


@contextmanager
def highest_precision() -> Iterator[None]:
    """Keeps TF32 out of matrix products, and restores the flag afterwards."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
