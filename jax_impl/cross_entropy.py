"""Cross-entropy over classes."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._inputs import class_inputs, hyperparameter
from jax_impl._reduce import reduce
from jax_impl._softmax import negative_log_softmax, others, softmax
from jax_impl._stable import product
from refimpl._validate import REDUCTIONS, SMOOTHINGS, check_choice


def cross_entropy(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    class_weights: Any = None,
    sample_weight: Any = None,
    label_smoothing: Any = 0.0,
    smoothing: str = "uniform",
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "weights",
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.cross_entropy`.

    The gradient is a rule of its own: p - 1 for the true class has no digits left
    where p rounds to 1, minus the sum of the others has them all.
    """
    check_choice("reduction", reduction, REDUCTIONS)
    check_choice("smoothing", smoothing, SMOOTHINGS)
    x, y, w, v, kept, divisor = class_inputs(
        logits,
        labels,
        class_weights=class_weights,
        sample_weight=sample_weight,
        ignore_index=ignore_index,
        class_axis=class_axis,
        normalizer=normalizer,
    )
    s = hyperparameter("label_smoothing", label_smoothing, like=x, high=1, closed=False)
    t = _targets(y, s, kept, smoothing=smoothing)
    loss = _weighted_sum(x, t, jnp.broadcast_to(w, x.shape))
    return reduce(product(v, loss), divisor, reduction)


@partial(jax.jit, static_argnames="smoothing")
def _targets(y: Array, s: Array, kept: Array, *, smoothing: str) -> Array:
    classes = y.shape[-1]
    if smoothing == "uniform":
        target = (1 - s) * y + s / classes
    else:
        target = (1 - s) * y + s * (1 - y) / max(classes - 1, 1)
    return jnp.where(kept[..., None], target, 0)


def _value(x: Array, t: Array, w: Array) -> Array:
    return jnp.sum(product(w * t, negative_log_softmax(x)), axis=-1)


def _d_logits(x: Array, t: Array, w: Array) -> Array:
    p, not_p = softmax(x)
    return p * others(w * t) - w * t * not_p


def _d_labels(x: Array, _t: Array, w: Array) -> Array:
    return product(w, negative_log_softmax(x))


def _d_class_weights(x: Array, t: Array, _w: Array) -> Array:
    return product(t, negative_log_softmax(x))


_weighted_sum = differentiable(
    _value, (_d_logits, _d_labels, _d_class_weights), rowwise=True
)
