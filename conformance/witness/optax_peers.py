"""optax's own losses, under the names and arguments of ours."""

from typing import Any

import jax
import jax.numpy as jnp
import optax

from conformance.adapters import from_functions


def _reduced(loss: jax.Array, reduction: str) -> jax.Array:
    # optax leaves reductions to the caller.
    return {"none": lambda v: v, "sum": jnp.sum, "mean": jnp.mean}[reduction](loss)


def binary_cross_entropy_with_logits(
    logits: jax.Array, labels: jax.Array, *, reduction: str = "mean"
) -> jax.Array:
    """Calls ``optax.sigmoid_binary_cross_entropy``."""
    return _reduced(optax.sigmoid_binary_cross_entropy(logits, labels), reduction)


def cross_entropy(
    logits: jax.Array,
    labels: jax.Array,
    *,
    label_smoothing: Any = None,
    class_axis: int = -1,
    normalizer: str = "weights",
    reduction: str = "mean",
) -> jax.Array:
    """Calls ``optax.softmax_cross_entropy`` or the one ``with_integer_labels``.

    A logit of minus infinity excludes its class, which optax is told by ``where``.
    Smoothing turns indices into probabilities first, as ``optax.smooth_labels`` does.
    """
    del normalizer  # without weights all rules are one
    where = logits > -jnp.inf
    finite = jnp.where(where, logits, 0)
    if jnp.issubdtype(labels.dtype, jnp.integer):
        if label_smoothing is None:
            loss = optax.softmax_cross_entropy_with_integer_labels(
                finite, labels, axis=class_axis, where=where
            )
            return _reduced(loss, reduction)
        labels = jax.nn.one_hot(
            labels, logits.shape[class_axis], dtype=logits.dtype, axis=class_axis
        )
    if label_smoothing is not None:
        labels = optax.smooth_labels(labels, label_smoothing, axis=class_axis)
    loss = optax.softmax_cross_entropy(finite, labels, axis=class_axis, where=where)
    return _reduced(loss, reduction)


def sigmoid_focal_loss(
    logits: jax.Array,
    labels: jax.Array,
    *,
    alpha: Any = None,
    gamma: Any = 2.0,
    reduction: str = "mean",
) -> jax.Array:
    """Calls ``optax.sigmoid_focal_loss``."""
    loss = optax.sigmoid_focal_loss(logits, labels, alpha=alpha, gamma=gamma)
    return _reduced(loss, reduction)


FUNCTIONS = {
    "binary_cross_entropy_with_logits": binary_cross_entropy_with_logits,
    "cross_entropy": cross_entropy,
    "sigmoid_focal_loss": sigmoid_focal_loss,
}

adapter = from_functions(
    FUNCTIONS, framework="jax", name="optax", version=optax.__version__
)
