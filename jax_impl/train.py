"""Trains a stack of classifiers in one program; see ``refimpl.train``."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from numpy.typing import NDArray

from jax_impl import optimizers
from jax_impl.gradients import clip_by_global_norm, global_norm
from jax_impl.models.mlp import from_state, graph_of, to_state

Array = NDArray[np.float64]
Loss = Callable[..., tuple[jax.Array, tuple[jax.Array, ...]]]


class _Constants(NamedTuple):
    """What a program is compiled for, beside the shapes."""

    graph: nnx.GraphDef[Any]
    loss: Loss
    optimizer: optax.GradientTransformation
    max_norm: float | None
    clip_eps: float
    dropout: float
    scale: float | None


class Trainer:
    """Multilayer perceptrons: ``vmap`` over models of a ``lax.scan`` over updates.

    Trainers that share loss, constants and shapes share one compiled program.

    Arguments as in ``refimpl.train.Trainer``, and with

    Args:
        loss: ``loss(logits, labels, weights, state) -> (values, state)`` of one model.
        dtype: ``"float32"`` or ``"float64"``; the latter needs no global switch.
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
        self._dtype, self._device = dtype, jax.devices(device)[0]
        transform = _optimizer(optimizer, tuple(constants.items()))
        self._constants = _Constants(
            graph_of(parameters),
            loss,
            transform,
            max_norm,
            clip_eps,
            dropout,
            loss_scale,
        )
        with self._precision():
            self._data = self._array(features), self._array(labels)
            model = to_state(parameters, dtype)
            memory = tuple(self._array(part) for part in state)
            self._carry = model, jax.vmap(transform.init)(model), memory

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
        with self._precision():
            feed = (
                jnp.array(rows, jnp.int32),
                self._array(coefficients),
                None if weights is None else self._array(weights),
                [jnp.array(mask) for mask in masks],
            )
            self._carry, losses, norms = _run(
                self._carry,
                self._data,
                feed,
                self._array(rates),
                constants=self._constants,
            )
            return np.asarray(losses, np.float64), np.asarray(norms, np.float64)

    def logits(self, features: Array) -> Array:
        """Returns every model's logits, shaped ``(stack, N)`` or ``(stack, N, C)``."""
        with self._precision():
            logits = _stacked_logits(
                self._carry[0], self._array(features), graph=self._constants.graph
            )
            return np.asarray(logits, np.float64)

    def parameters(self) -> list[Array]:
        """Returns the parameters, as they were given."""
        return from_state(self._carry[0])

    def _array(self, array: NDArray[Any]) -> jax.Array:
        return jnp.array(array, self._dtype if array.dtype.kind == "f" else None)

    def _precision(self) -> ExitStack:
        """Sets 64-bit types, products without TF32 and the device, within a block."""
        stack = ExitStack()
        stack.enter_context(jax.enable_x64(self._dtype == "float64"))
        stack.enter_context(jax.default_matmul_precision("highest"))
        stack.enter_context(jax.default_device(self._device))
        return stack


@cache
def _optimizer(
    name: str, constants: tuple[tuple[str, Any], ...]
) -> optax.GradientTransformation:
    # A program is compiled once for each optimiser *object*.
    return getattr(optimizers, name)(**dict(constants))


def _logits(
    state: Any, features: jax.Array, graph: nnx.GraphDef[Any], **dropout: Any
) -> jax.Array:
    logits = nnx.merge(graph, state)(features, **dropout)
    return logits[..., 0] if logits.shape[-1] == 1 else logits


@partial(jax.jit, static_argnames="graph")
def _stacked_logits(
    state: Any, features: jax.Array, *, graph: nnx.GraphDef[Any]
) -> jax.Array:
    return jax.vmap(_logits, in_axes=(0, None, None))(state, features, graph)


@partial(jax.jit, static_argnames="constants")
def _run(
    carry: Any, data: Any, feed: Any, rates: jax.Array, *, constants: _Constants
) -> tuple[Any, jax.Array, jax.Array]:
    update = partial(_update, data, constants)

    def train(carry: Any, feed: Any, rates: jax.Array) -> Any:
        carry, trace = jax.lax.scan(update, carry, (feed, rates))
        return carry, *trace

    return jax.vmap(train, in_axes=(0, 0, None))(carry, feed, rates)


def _update(data: Any, constants: _Constants, carry: Any, step: Any) -> Any:
    """Makes one update of one model."""
    (model, moments, memory), (feed, rate) = carry, step
    gradients, memory, loss = _gradients(data, constants, model, memory, feed)
    if constants.max_norm is None:
        norm = global_norm(gradients)
    else:
        gradients, norm = clip_by_global_norm(
            gradients, constants.max_norm, eps=constants.clip_eps
        )
    moves, moments = constants.optimizer.update(gradients, moments, model)
    # The learning rate is a factor of every move.
    moves = jax.tree.map(lambda move: rate * move, moves)
    return (optax.apply_updates(model, moves), moments, memory), (loss, norm)


def _gradients(
    data: Any, constants: _Constants, model: Any, memory: Any, feed: Any
) -> tuple[Any, Any, jax.Array]:
    (features, labels), (rows, coefficients, weights, masks) = data, feed

    def network(model: Any) -> jax.Array:
        dropout = {"masks": masks, "rate": constants.dropout}
        return _logits(model, features[rows], constants.graph, **dropout)

    def objective(logits: jax.Array) -> tuple[jax.Array, Any]:
        values, after = constants.loss(logits, labels[rows], weights, memory)
        per_example = values.reshape(len(rows), -1).sum(axis=1)
        return jnp.sum(coefficients * per_example), after

    logits, pull = jax.vjp(network, model)
    if constants.scale is not None:
        logits = in_half(logits)
    differentiated = jax.value_and_grad(objective, has_aux=True)
    (loss, memory), upstream = differentiated(logits)
    if constants.scale is not None:
        upstream = in_half(upstream * constants.scale) / constants.scale
    return pull(upstream)[0], memory, loss


def in_half(values: jax.Array) -> jax.Array:
    """Rounds to what float16 can hold, as a cast to it and back.

    A cast of float64 would round twice, by way of float32, and a compiler may leave out
    a cast and its inverse; ``jax.lax.reduce_precision`` makes subnormal numbers zero.
    """
    magnitude = jnp.abs(values)
    # Below the smallest normal number the spacing stays the same.
    top = jnp.maximum(magnitude, 2.0**-14)
    unit = top / jnp.frexp(top)[0] * 2.0**-11
    rounded = jnp.round(values / unit) * unit
    return jnp.where(magnitude < 65520.0, rounded, values * jnp.inf)
