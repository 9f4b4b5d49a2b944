"""Trains a stack of classifiers in float64: what the frameworks must match."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl import optimizers
from refimpl.gradients import clip_by_global_norm, global_norm
from refimpl.mlp import Masks, Parameters, mlp, mlp_grad

Array = NDArray[np.float64]
Loss = Callable[..., tuple[Array, Array, tuple[Array, ...]]]

_INIT = {
    "adam": optimizers.init_adam,
    "adamw": optimizers.init_adam,
    "rmsprop": optimizers.init_rmsprop,
    "sgd": optimizers.init_sgd,
}


class Trainer:
    r"""Multilayer perceptrons trained side by side on one data set.

    The loop over epochs, its schedules and its metrics belong to the caller; this holds
    parameters and states, and makes updates on the batches that it is told.

    .. math::
        J = \sum_b c_b \sum_j \ell_{bj}

    Args:
        parameters: As from :func:`refimpl.mlp.init_mlp` with a leading stack axis.
        features: Shaped ``(N, n_0)``, or ``(N, P, n_0)`` for P outputs of an example,
            which then share the model.
        labels: Shaped ``(N,)`` or ``(N, C)``: what the loss takes.
        loss: ``loss(logits, labels, weights, state) -> (values, gradient, state)`` of
            one model: the loss of each element, its derivative with respect to the
            logits, and the state for the next update. A last layer of width 1 has no
            axis in the logits.
        state: Arrays of the loss's first state, with a leading stack axis.
        optimizer: ``"adam"``, ``"adamw"``, ``"rmsprop"`` or ``"sgd"``.
        constants: Keyword arguments of that function of :mod:`refimpl.optimizers`.
        max_norm: As in :func:`refimpl.gradients.clip_by_global_norm`; None does not
            clip.
        clip_eps: Added to the norm of the gradient.
        dropout: Rate of dropout on hidden layers.
        loss_scale: Logits pass through float16, and so does the gradient of J times
            this with respect to them; None keeps the precision.
    """

    def __init__(
        self,
        parameters: Parameters,
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
    ) -> None:
        self._parameters = [np.array(p, dtype=np.float64) for p in parameters]
        self._features, self._labels = np.asarray(features, np.float64), labels
        self._loss, self._dropout, self._scale = loss, dropout, loss_scale
        self._states = [tuple(own) for own in zip(*state, strict=True)]
        self._states = self._states or [()] * len(self._parameters[0])
        self._optimizer, self._constants = getattr(optimizers, optimizer), constants
        self._moments: Any = _INIT[optimizer](self._parameters)
        self._max_norm, self._clip_eps = max_norm, clip_eps

    def run(
        self,
        rows: NDArray[np.int64],
        *,
        coefficients: Array,
        weights: Array | None,
        rates: Array,
        masks: Masks,
    ) -> tuple[Array, Array]:
        """Makes one update for every batch.

        Args:
            rows: Of the data in each batch, shaped ``(stack, steps, batch)``.
            coefficients: Of each example's loss, shaped like ``rows``.
            weights: What the loss weighs classes by, shaped ``(stack, steps)`` or
                ``(stack, steps, C)``; None if it does not.
            rates: Factor of the learning rate, shaped ``(steps,)``.
            masks: What dropout keeps of each hidden layer, shaped ``(stack, steps,
                batch, width)``; none without dropout.

        Returns:
            Objective before each update and norm of its gradient before clipping, both
            shaped ``(stack, steps)``.
        """
        # A training that diverges says so by its numbers.
        with np.errstate(over="ignore", invalid="ignore"):
            trace = [
                self._update(
                    rows[:, step],
                    coefficients[:, step],
                    None if weights is None else weights[:, step],
                    float(rate),
                    [mask[:, step] for mask in masks],
                )
                for step, rate in enumerate(rates)
            ]
        losses, norms = zip(*trace, strict=True)
        return np.stack(losses, axis=1), np.stack(norms, axis=1)

    def logits(self, features: Array) -> Array:
        """Returns every model's logits, shaped ``(stack, N)`` or ``(stack, N, C)``."""
        inputs = np.asarray(features, np.float64)
        stacked = np.broadcast_to(inputs, (len(self._parameters[0]), *inputs.shape))
        return self._forward(stacked, ())[0]

    def parameters(self) -> Parameters:
        """Returns the parameters, as they were given."""
        return [parameter.copy() for parameter in self._parameters]

    def _forward(self, features: Array, masks: Masks) -> tuple[Array, list[Array]]:
        """Returns logits, and the input of every layer with examples in one axis."""
        flat = features.reshape(len(features), -1, features.shape[-1])
        output, inputs = mlp(self._parameters, flat, masks=masks, rate=self._dropout)
        shape = (*features.shape[:-1], output.shape[-1])
        return output.reshape(shape[:-1] if shape[-1] == 1 else shape), inputs

    def _update(
        self,
        rows: NDArray[np.int64],
        coefficients: Array,
        weights: Array | None,
        rate: float,
        masks: Masks,
    ) -> tuple[Array, Array]:
        logits, inputs = self._forward(self._features[rows], masks)
        values, upstream = self._losses(logits, rows, weights)
        factors = coefficients.reshape(*rows.shape, *[1] * (values.ndim - 2))
        objective = (factors * values).sum(axis=tuple(range(1, values.ndim)))
        factors = factors.reshape(*rows.shape, *[1] * (upstream.ndim - 2))
        upstream = self._narrowed(factors * upstream)
        width = self._parameters[-1].shape[-1]
        gradients = mlp_grad(
            self._parameters,
            inputs,
            upstream.reshape(len(rows), -1, width),
            masks=masks,
            rate=self._dropout,
        )
        gradients, norm = self._clipped(gradients)
        constants = dict(self._constants)
        constants["learning_rate"] *= rate
        self._parameters, self._moments = self._optimizer(
            self._parameters, gradients, self._moments, **constants
        )
        return objective, norm

    def _losses(
        self, logits: Array, rows: NDArray[np.int64], weights: Array | None
    ) -> tuple[Array, Array]:
        """Computes losses and gradients of one model after the other."""
        if self._scale is not None:
            logits = _in_half(logits)
        found = [
            self._loss(
                own,
                self._labels[rows[model]],
                None if weights is None else weights[model],
                self._states[model],
            )
            for model, own in enumerate(logits)
        ]
        values, gradients, self._states = (
            list(part) for part in zip(*found, strict=True)
        )
        return np.stack(values), np.stack(gradients)

    def _narrowed(self, upstream: Array) -> Array:
        if self._scale is None:
            return upstream
        return _in_half(upstream * self._scale) / self._scale

    def _clipped(self, gradients: Parameters) -> tuple[Parameters, Array]:
        if self._max_norm is None:
            return gradients, global_norm(gradients, stack_axes=1)
        return clip_by_global_norm(
            gradients, self._max_norm, eps=self._clip_eps, stack_axes=1
        )


def _in_half(array: Array) -> Array:
    return array.astype(np.float16).astype(np.float64)
