"""Cross-entropy over classes."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._indexed import Targets, of_index, targets
from jax_impl._inputs import class_inputs, hyperparameter
from jax_impl._reduce import reduce
from jax_impl._softmax import negative_log_softmax, others, softmax
from jax_impl._stable import product
from refimpl._validate import REDUCTIONS, SMOOTHINGS, check_choice, is_number


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
    x, y, w, v, divisor = class_inputs(
        logits,
        labels,
        class_weights=class_weights,
        sample_weight=sample_weight,
        ignore_index=ignore_index,
        class_axis=class_axis,
        normalizer=normalizer,
    )
    s = hyperparameter("label_smoothing", label_smoothing, like=x, high=1, closed=False)
    if is_number(label_smoothing) and label_smoothing == 0:
        s = None
    t = targets(s, x.shape[-1], smoothing)
    w = w if w is None else w.reshape((1,) * (x.ndim - 1) + w.shape)
    if jnp.issubdtype(y.dtype, jnp.floating):
        loss = _weighted_sum(x, _smoothed(y, t), w)
    else:
        loss = of_index(x, y, w, *t)
    if v is not None:
        loss = product(v, loss)
    return reduce(loss, divisor, reduction)


@jax.jit
def _smoothed(y: Array, t: Targets) -> Array:
    return y if t.own is None else t.own * y + t.other * (1 - y)


def _times(w: Any, a: Array) -> Array:
    return a if w is None else w * a


def _value(x: Array, t: Array, w: Any) -> Array:
    return jnp.sum(product(_times(w, t), negative_log_softmax(x)), axis=-1)


def _d_logits(x: Array, t: Array, w: Any) -> Array:
    p, not_p = softmax(x)
    weight = _times(w, t)
    return p * others(weight) - weight * not_p


def _d_labels(x: Array, _t: Array, w: Any) -> Array:
    lost = negative_log_softmax(x)
    return lost if w is None else product(w, lost)


def _d_class_weights(x: Array, t: Array, _w: Array) -> Array:
    return product(t, negative_log_softmax(x))


_weighted_sum = differentiable(
    _value, (_d_logits, _d_labels, _d_class_weights), rowwise=True
)
