"""The training loop that a user of optax would write, one model at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from conformance.training.data import Problem
from conformance.training.recipe import Optimizer


def make(problem: Problem, recipe: Optimizer, device: str) -> Callable[..., Any]:
    """Returns a function that trains one model with AdamW and returns its predictor."""
    constants = dict(recipe.constants)
    place = jax.devices(device)[0]
    optimizer = optax.adamw(
        constants["learning_rate"],
        b1=constants["beta1"],
        b2=constants["beta2"],
        eps=constants["eps"],
        weight_decay=constants["weight_decay"],
    )
    if recipe.max_norm is not None:
        clip = optax.clip_by_global_norm(recipe.max_norm)
        optimizer = optax.chain(clip, optimizer)

    def array(values: Any) -> jax.Array:
        return jax.device_put(np.asarray(values, np.float32), place)

    features, labels = array(problem.train.features), array(problem.train.labels)

    @jax.jit
    def step(parameters: Any, state: Any, rows: jax.Array, weight: jax.Array) -> Any:
        def objective(parameters: Any) -> jax.Array:
            y = labels[rows]
            logits = _logits(parameters, features[rows])
            entropy = optax.sigmoid_binary_cross_entropy(logits, y)
            return jnp.mean((1 + (weight - 1) * y) * entropy)

        gradients = jax.grad(objective)(parameters)
        updates, state = optimizer.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state

    predicted = jax.jit(_logits)

    def train(first: Sequence[Any], epochs: Sequence[Any], pos_weight: float) -> Any:
        parameters = [array(values) for values in first]
        state, weight = optimizer.init(parameters), array(pos_weight)
        for order in epochs:
            for rows in jax.device_put(order.astype(np.int32), place):
                parameters, state = step(parameters, state, rows, weight)
        return lambda rows: np.asarray(predicted(parameters, array(rows)), np.float64)

    return train


def _logits(parameters: Sequence[jax.Array], features: jax.Array) -> jax.Array:
    hidden = features
    for index in range(0, len(parameters), 2):
        hidden = jnp.tanh(hidden) if index else hidden
        hidden = hidden @ parameters[index] + parameters[index + 1]
    return hidden[:, 0]
