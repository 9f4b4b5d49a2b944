"""optax's losses, under the names and arguments of ours."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from conformance.peers.claims import Claiming
from conformance.peers.jitted import on_jax


def _unreduced(reduction: str) -> None:
    if reduction != "none":
        raise NotImplementedError("reductions are left to the caller")


def binary_cross_entropy_with_logits(
    logits: jax.Array, labels: jax.Array, *, reduction: str = "none"
) -> jax.Array:
    """Calls ``optax.sigmoid_binary_cross_entropy``."""
    _unreduced(reduction)
    return optax.sigmoid_binary_cross_entropy(logits, labels)


def cross_entropy(
    logits: jax.Array,
    labels: jax.Array,
    *,
    label_smoothing: Any = None,
    class_axis: int = -1,
    normalizer: str = "weights",
    reduction: str = "none",
    where: Any = None,
) -> jax.Array:
    """Calls ``optax.softmax_cross_entropy`` or the one ``with_integer_labels``.

    Smoothing turns indices into probabilities first, as ``optax.smooth_labels`` does.
    The classes that take part, ``where``, are told to optax; ours has no such argument.
    """
    _unreduced(reduction)
    if normalizer not in ("weights", "count"):
        raise NotImplementedError("no argument 'normalizer'")
    if jnp.issubdtype(labels.dtype, jnp.integer):
        if label_smoothing is None:
            return optax.softmax_cross_entropy_with_integer_labels(
                logits, labels, axis=class_axis, where=where
            )
        labels = jax.nn.one_hot(
            labels, logits.shape[class_axis], dtype=logits.dtype, axis=class_axis
        )
    if label_smoothing is not None:
        labels = optax.smooth_labels(labels, label_smoothing, axis=class_axis)
    return optax.softmax_cross_entropy(logits, labels, axis=class_axis, where=where)


def sigmoid_focal_loss(
    logits: jax.Array,
    labels: jax.Array,
    *,
    alpha: Any = None,
    gamma: Any = 2.0,
    reduction: str = "none",
) -> jax.Array:
    """Calls ``optax.sigmoid_focal_loss``."""
    _unreduced(reduction)
    return optax.sigmoid_focal_loss(logits, labels, alpha=alpha, gamma=gamma)


FUNCTIONS = {
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "cross_entropy": cross_entropy,
    "sigmoid_focal_loss": sigmoid_focal_loss,
}


def make() -> Claiming:
    """Makes the adapter."""
    traced = ("alpha", "gamma", "label_smoothing")
    return on_jax(FUNCTIONS, name="optax", version=optax.__version__, traced=traced)
