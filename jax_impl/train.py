"""Trains a stack of binary classifiers in one program; see ``refimpl.train``."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from numpy.typing import NDArray

from jax_impl.gradients import clip_by_global_norm
from jax_impl.models.mlp import from_state, graph_of, to_state
from jax_impl.optimizers import adamw

Array = NDArray[np.float64]

# A program is compiled once for each optimiser *object*.
_optimizer = cache(adamw)


class Trainer:
    """Multilayer perceptrons: ``vmap`` over models of a ``lax.scan`` over updates.

    Trainers that share loss, constants and shapes share one compiled program; the
    weight of the positives is traced.

    Arguments as in ``refimpl.train.Trainer``, without ``loss_grad``, and with

    Args:
        dtype: ``"float32"`` or ``"float64"``; the latter needs no global switch.
        device: ``"cpu"`` or ``"cuda"``.
    """

    def __init__(
        self,
        parameters: Sequence[Array],
        features: Array,
        labels: Array,
        *,
        loss: Callable[..., jax.Array],
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
        self._dtype, self._device = dtype, jax.devices(device)[0]
        self._graph = graph_of(parameters)
        optimizer = _optimizer(
            learning_rate=learning_rate,
            beta1=beta1,
            beta2=beta2,
            eps=eps,
            weight_decay=weight_decay,
        )
        self._program = partial(
            _run,
            graph=self._graph,
            loss=loss,
            optimizer=optimizer,
            max_norm=max_norm,
            clip_eps=clip_eps,
        )
        with self._precision():
            self._features = jnp.array(features, dtype)
            self._labels = jnp.array(labels, dtype)
            self._state = to_state(parameters, dtype)
            self._moments = jax.vmap(optimizer.init)(self._state)

    def run(self, indices: NDArray[np.int64], pos_weight: Array) -> tuple[Array, Array]:
        """Makes one update for every batch; see ``refimpl.train.Trainer.run``."""
        with self._precision():
            self._state, self._moments, losses, norms = self._program(
                self._state,
                self._moments,
                self._features,
                self._labels,
                jnp.array(indices, jnp.int32),
                jnp.array(pos_weight, self._dtype),
            )
            return np.asarray(losses, np.float64), np.asarray(norms, np.float64)

    def logits(self, features: Array) -> Array:
        """Returns every model's logits, shaped ``(stack, N)``."""
        with self._precision():
            inputs = jnp.array(features, self._dtype)
            logits = _stacked_logits(self._state, inputs, graph=self._graph)
            return np.asarray(logits, np.float64)

    def parameters(self) -> list[Array]:
        """Returns the parameters, as they were given."""
        return from_state(self._state)

    def _precision(self) -> ExitStack:
        """Sets 64-bit types, products without TF32 and the device, within a block."""
        stack = ExitStack()
        stack.enter_context(jax.enable_x64(self._dtype == "float64"))
        stack.enter_context(jax.default_matmul_precision("highest"))
        stack.enter_context(jax.default_device(self._device))
        return stack


def _logits(state: Any, features: jax.Array, graph: nnx.GraphDef[Any]) -> jax.Array:
    return nnx.merge(graph, state)(features)[..., 0]


@partial(jax.jit, static_argnames="graph")
def _stacked_logits(
    state: Any, features: jax.Array, *, graph: nnx.GraphDef[Any]
) -> jax.Array:
    return jax.vmap(_logits, in_axes=(0, None, None))(state, features, graph)


@partial(
    jax.jit, static_argnames=("graph", "loss", "optimizer", "max_norm", "clip_eps")
)
def _run(
    state: Any,
    moments: Any,
    features: jax.Array,
    labels: jax.Array,
    indices: jax.Array,
    pos_weight: jax.Array,
    *,
    graph: nnx.GraphDef[Any],
    loss: Callable[..., jax.Array],
    optimizer: optax.GradientTransformation,
    max_norm: float,
    clip_eps: float,
) -> tuple[Any, Any, jax.Array, jax.Array]:
    def objective(state: Any, rows: jax.Array, weight: jax.Array) -> jax.Array:
        logits = _logits(state, features[rows], graph)
        return loss(logits, labels[rows], pos_weight=weight, reduction="mean")

    def update(weight: jax.Array, carry: Any, rows: jax.Array) -> Any:
        state, moments = carry
        value, gradients = jax.value_and_grad(objective)(state, rows, weight)
        gradients, norm = clip_by_global_norm(gradients, max_norm, eps=clip_eps)
        updates, moments = optimizer.update(gradients, moments, state)
        return (optax.apply_updates(state, updates), moments), (value, norm)

    def train(state: Any, moments: Any, rows: jax.Array, weight: jax.Array) -> Any:
        carry, trace = jax.lax.scan(partial(update, weight), (state, moments), rows)
        return *carry, *trace

    return jax.vmap(train)(state, moments, indices, pos_weight)
