"""What a user of JAX would write around optax instead, in our own words.

Each takes logits, labels and the further arrays of the problem.
"""

import jax
import jax.numpy as jnp
import optax

from conformance.bench.problems import ALPHA, GAMMA, SMOOTHING


def bce(x: jax.Array, y: jax.Array, pos_weight: jax.Array) -> jax.Array:
    """The one of optax, weighted by the label; exact for hard labels alone."""
    weight = 1 + (pos_weight.astype(x.dtype) - 1) * y
    return jnp.mean(weight * optax.sigmoid_binary_cross_entropy(x, y))


def bce_unweighted(x: jax.Array, y: jax.Array, _pos_weight: jax.Array) -> jax.Array:
    """The one of optax as it is."""
    return jnp.mean(optax.sigmoid_binary_cross_entropy(x, y))


def focal(x: jax.Array, y: jax.Array) -> jax.Array:
    """The one of optax."""
    return jnp.mean(optax.sigmoid_focal_loss(x, y, alpha=ALPHA, gamma=GAMMA))


def cross_entropy(x: jax.Array, y: jax.Array, weights: jax.Array) -> jax.Array:
    """The one of optax on smoothed one-hot labels, which carry the weights.

    Smoothed mass weighs what the class it lands on weighs, and the mean divides by
    the weights of the labels: PyTorch's rules.
    """
    hot = jax.nn.one_hot(y, x.shape[-1], dtype=x.dtype)
    targets = optax.smooth_labels(hot, SMOOTHING) * weights.astype(x.dtype)
    return jnp.sum(optax.softmax_cross_entropy(x, targets)) / jnp.sum(weights[y])


def softmax_focal(x: jax.Array, y: jax.Array, weights: jax.Array) -> jax.Array:
    """The usual lines around optax's cross-entropy."""
    entropy = optax.softmax_cross_entropy_with_integer_labels(x, y)
    focus = (1 - jnp.exp(-entropy)) ** GAMMA
    return jnp.mean(focus * entropy * weights[y].astype(x.dtype))
