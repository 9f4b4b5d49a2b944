"""Valid rewritings of the losses in JAX: other algebra and order."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

import jax_impl
from conformance.mutants.jax_reduce import reduce
from jax_impl._inputs import binary_inputs, hyperparameter
from jax_impl._stable import product

sfl, heatmap = jax_impl.softmax_focal_loss, jax_impl.heatmap_focal_loss


@jax.custom_vjp
def _exponential(x: Array, on: Array, off: Array) -> Array:
    return product(on, jnp.logaddexp(0, -x)) + product(off, jnp.logaddexp(0, x))


def _forward(x: Array, on: Array, off: Array) -> Any:
    return _exponential(x, on, off), (x, on, off)


def _backward(kept: Any, g: Array) -> Any:
    x, on, off = kept
    positive, negative = jnp.logaddexp(0, -x), jnp.logaddexp(0, x)
    # sigmoid(v) = exp(-softplus(-v)).
    slope = off * jnp.exp(-positive) - on * jnp.exp(-negative)
    return g * slope, g * positive, g * negative


_exponential.defvjp(_forward, _backward)


def exponential_form(
    logits: Array,
    labels: Array,
    *,
    pos_weight: Any = None,
    sample_weight: Any = None,
    label_smoothing: Any = 0.0,
    class_axis: int = -1,
    reduction: str = "mean",
) -> Any:
    x, y, w, v = binary_inputs(
        logits,
        labels,
        pos_weight=pos_weight,
        sample_weight=sample_weight,
        class_axis=class_axis,
    )
    s = hyperparameter("label_smoothing", label_smoothing, like=x, high=1, closed=False)
    on, off = y * (1 - s) + s / 2, (1 - y) * (1 - s) + s / 2
    on = on if w is None else w * on
    loss = _exponential(x, jnp.broadcast_to(on, x.shape), off)
    return reduce(loss if v is None else product(v, loss), reduction)


def permuted_classes(logits: Array, labels: Array, **options: Any) -> Any:
    """The classes in another order."""
    weights, axis = options.get("class_weights"), options.get("class_axis", -1)
    last, own = logits.shape[axis] - 1, options.get("ignore_index", -100)
    turned = (labels >= 0) & (labels <= last)
    if 0 <= own <= last:
        options["ignore_index"] = last - own
    labels = jnp.where(turned, last - labels, labels)
    if weights is not None:
        options["class_weights"] = weights[::-1]
    return sfl(jnp.flip(logits, axis), labels, **options)


def scattered_heat(
    logits: Array, labels: Array, *, pos_mask: Any = None, **options: Any
) -> Any:
    """The elements in another order."""
    peaks = (labels == 1) if pos_mask is None else pos_mask
    parts = (part.reshape(-1)[::-1] for part in (logits, labels))
    loss = heatmap(*parts, pos_mask=peaks.reshape(-1)[::-1], **options)
    whole = options.get("reduction", "mean") != "none"
    return loss if whole else loss[::-1].reshape(logits.shape)


def summed_backwards(
    logits: Array, labels: Array, *, reduction: str = "mean", **options: Any
) -> Any:
    """The terms are added from the last to the first."""
    loss = jax_impl.sigmoid_focal_loss(logits, labels, reduction="none", **options)
    return loss if reduction == "none" else reduce(loss.reshape(-1)[::-1], reduction)
