"""Trains a stack of binary classifiers in float64: what the frameworks must match."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from refimpl.gradients import clip_by_global_norm
from refimpl.mlp import Parameters, mlp, mlp_grad
from refimpl.optimizers import adamw, init_adam

Array = NDArray[np.float64]


class Trainer:
    """Multilayer perceptrons trained side by side on one data set.

    The loop over epochs, its schedule and its metrics belong to the caller; this holds
    parameters and optimiser state, and makes updates on the batches that it is told.

    Args:
        parameters: As from :func:`refimpl.mlp.init_mlp` with a leading stack axis.
        features: Shaped ``(N, n_0)``.
        labels: 0 or 1, shaped ``(N,)``.
        loss: ``loss(logits, labels, *, pos_weight, reduction)``; it must accept one
            ``pos_weight`` for each entry of the last axis.
        loss_grad: Gradient of the sum of ``loss``; same arguments but ``reduction``.
        learning_rate: As in :func:`refimpl.optimizers.adamw`, like the next four.
        beta1: Decay of the first moment.
        beta2: Decay of the second moment.
        eps: Added to the root of the second moment.
        weight_decay: Decoupled decay.
        max_norm: As in :func:`refimpl.gradients.clip_by_global_norm`.
        clip_eps: Added to the norm of the gradient.
    """

    def __init__(
        self,
        parameters: Parameters,
        features: Array,
        labels: Array,
        *,
        loss: Callable[..., Array],
        loss_grad: Callable[..., Array],
        learning_rate: float,
        beta1: float,
        beta2: float,
        eps: float,
        weight_decay: float,
        max_norm: float,
        clip_eps: float,
    ) -> None:
        self._parameters = [np.array(p, dtype=np.float64) for p in parameters]
        self._features = np.asarray(features, dtype=np.float64)
        self._labels = np.asarray(labels, dtype=np.float64)
        self._loss, self._loss_grad = loss, loss_grad
        self._state = init_adam(self._parameters)
        self._adamw = {
            "learning_rate": learning_rate,
            "beta1": beta1,
            "beta2": beta2,
            "eps": eps,
            "weight_decay": weight_decay,
        }
        self._max_norm, self._clip_eps = max_norm, clip_eps

    def run(self, indices: NDArray[np.int64], pos_weight: Array) -> tuple[Array, Array]:
        """Makes one update for every batch.

        Args:
            indices: Rows of the data in each batch, shaped ``(stack, steps, batch)``.
            pos_weight: One weight for each model, shaped ``(stack,)``.

        Returns:
            Mean loss before each update and norm of its gradient before clipping, both
            shaped ``(stack, steps)``.
        """
        trace = [self._update(rows, pos_weight) for rows in indices.swapaxes(0, 1)]
        losses, norms = zip(*trace, strict=True)
        return np.stack(losses, axis=1), np.stack(norms, axis=1)

    def logits(self, features: Array) -> Array:
        """Returns every model's logits, shaped ``(stack, N)``."""
        return mlp(self._parameters, np.asarray(features, np.float64))[0][..., 0]

    def parameters(self) -> Parameters:
        """Returns the parameters, as they were given."""
        return [parameter.copy() for parameter in self._parameters]

    def _update(
        self, rows: NDArray[np.int64], pos_weight: Array
    ) -> tuple[Array, Array]:
        output, inputs = mlp(self._parameters, self._features[rows])
        # Models go last: that is the axis along which the losses take weights.
        logits, labels = output[..., 0].T, self._labels[rows].T
        options = {"pos_weight": np.asarray(pos_weight, np.float64)}
        loss = self._loss(logits, labels, reduction="none", **options).mean(axis=0)
        upstream = self._loss_grad(logits, labels, **options).T / rows.shape[1]
        gradients = mlp_grad(self._parameters, inputs, upstream[..., None])
        gradients, norm = clip_by_global_norm(
            gradients, self._max_norm, eps=self._clip_eps, stack_axes=1
        )
        self._parameters, self._state = adamw(
            self._parameters, gradients, self._state, **self._adamw
        )
        return loss, norm
