"""Trains a stack of binary classifiers in one program; see ``refimpl.train``."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap
from torch.fx.experimental.proxy_tensor import make_fx

from torch_impl.models.mlp import MLP, from_state, to_state

Array = NDArray[np.float64]


class Trainer:
    """Multilayer perceptrons stacked through ``torch.func``.

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
        sizes = [kernel.shape[-2] for kernel in parameters[::2]]
        # A module on "meta" has structure but no data: the stack brings the data.
        self._model = MLP([*sizes, parameters[-1].shape[-1]], device="meta")
        self._state = {
            name: self._tensor(array) for name, array in to_state(parameters).items()
        }
        self._max_norm, self._clip_eps = max_norm, clip_eps
        self._gradient = vmap(grad_and_value(self._objective(loss)))
        self._programs: dict[torch.Size, Callable[..., Any]] = {}
        self._optimizer = torch.optim.AdamW(
            self._state.values(),
            lr=learning_rate,
            betas=(beta1, beta2),
            eps=eps,
            weight_decay=weight_decay,
            amsgrad=False,
            maximize=False,
            foreach=False,
            capturable=False,
            differentiable=False,
            fused=True,
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
        with torch.no_grad(), highest_precision():
            logits = vmap(self._logits, in_dims=(0, None))(
                self._state, self._tensor(features)
            )
        return logits.cpu().double().numpy()

    def parameters(self) -> list[Array]:
        """Returns the parameters, as they were given."""
        return from_state(self._state)

    def _tensor(self, array: Array) -> Tensor:
        # A copy: the optimiser writes into its parameters.
        return torch.tensor(array, dtype=self._dtype, device=self._device)

    def _logits(self, state: dict[str, Tensor], features: Tensor) -> Tensor:
        return functional_call(self._model, state, (features,))[..., 0]

    def _objective(self, loss: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def objective(
            state: dict[str, Tensor],
            features: Tensor,
            labels: Tensor,
            pos_weight: Tensor,
        ) -> Tensor:
            logits = self._logits(state, features)
            return loss(logits, labels, pos_weight=pos_weight, reduction="mean")

        return objective

    def _update(self, rows: Tensor, pos_weight: Tensor) -> tuple[Tensor, Tensor]:
        arguments = (self._state, self._features[rows], self._labels[rows], pos_weight)
        if rows.shape not in self._programs:
            # The transforms cost more than the arithmetic at these sizes, so they run
            # once: what remains is a flat list of tensor operations.
            self._programs[rows.shape] = make_fx(self._clipped)(*arguments)
        gradients, loss, norm = self._programs[rows.shape](*arguments)
        for name, parameter in self._state.items():
            parameter.grad = gradients[name]
        self._optimizer.step()
        return loss, norm

    def _clipped(
        self, state: dict[str, Tensor], *batch: Tensor
    ) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        gradients, loss = self._gradient(state, *batch)
        clipped, norm = clip_stack_by_global_norm(
            gradients, self._max_norm, eps=self._clip_eps
        )
        return clipped, loss, norm


def clip_stack_by_global_norm(
    gradients: dict[str, Tensor], max_norm: float, *, eps: float
) -> tuple[dict[str, Tensor], Tensor]:
    """Clips each model of a stack; see ``refimpl.optimizers.clip_by_global_norm``.

    ``torch.nn.utils.clip_grad_norm_`` would take one norm over all models, and its
    ``eps`` of 1e-6 is fixed.
    """
    squares = [gradient.flatten(1).square().sum(1) for gradient in gradients.values()]
    norm = torch.stack(squares).sum(0).sqrt()
    scale = max_norm / (norm + eps).clamp(min=max_norm)
    clipped = {
        name: gradient * scale.reshape(-1, *[1] * (gradient.ndim - 1))
        for name, gradient in gradients.items()
    }
    return clipped, norm


@contextmanager
def highest_precision() -> Iterator[None]:
    """Keeps TF32 out of matrix products, and restores the flag afterwards."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
