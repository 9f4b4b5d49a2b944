"""Cross-entropy of class indices, without a row of probabilities for each."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from jax_impl._differentiable import differentiable
from jax_impl._inputs import BAD, IGNORED, weight_of
from jax_impl._softmax import (
    from_top,
    negative_log_softmax,
    others,
    row_sum,
    softmax,
)
from jax_impl._stable import product


class Targets(NamedTuple):
    """The probability that label smoothing gives to the label and to any other."""

    own: Any
    other: Any


def targets(smoothing: Any, classes: int, kind: str) -> Targets:
    """Returns what becomes of a class index; None is no smoothing."""
    if smoothing is None:
        return Targets(None, None)
    if kind == "uniform":
        return Targets(1 - smoothing + smoothing / classes, smoothing / classes)
    return Targets(1 - smoothing, smoothing / max(classes - 1, 1))


def _at(array: Array, index: Array) -> Array:
    """Returns what stands at the label of each row, as a column."""
    label = jnp.maximum(index, 0)[..., None]
    return jnp.take_along_axis(array, label, axis=-1, mode="clip")


def _here(x: Array, index: Array) -> Array:
    return jnp.arange(x.shape[-1]) == jnp.maximum(index, 0)[..., None]


def _blank(array: Array, index: Array) -> Array:
    """Makes rows that are ignored 0, whatever stands there, and bad ones NaN."""
    index = index[..., None]
    return jnp.where(index == IGNORED, 0, array * jnp.where(index == BAD, jnp.nan, 1))


def _of_label(x: Array, index: Array, w: Any) -> tuple[Any, Any]:
    """Returns what the label weighs, and all other classes together, as columns."""
    if w is None:
        return jnp.ones((), x.dtype), x.shape[-1] - 1
    each = w.ravel(), others(w).ravel()
    return weight_of(index, each[0])[..., None], weight_of(index, each[1])[..., None]


def _value(x: Array, index: Array, w: Any, own: Any, other: Any) -> Array:
    largest, gap, _, rest = from_top(x)
    at_label, of_rest = _at(x, index), jnp.log1p(rest)
    far = jnp.where(at_label == largest, 0, largest - at_label)
    weight, but = _of_label(x, index, w)
    loss = product(weight if own is None else own * weight, far + of_rest)
    if own is not None:
        # What weighs nothing loses nothing, at an infinite distance too.
        off = _here(x, index) if w is None else _here(x, index) | (w == 0)
        lost = row_sum(jnp.where(off, 0, gap), w)
        loss = loss + product(other, lost + but * of_rest)
    return _blank(loss, index).squeeze(-1)


def _d_logits(x: Array, index: Array, w: Any, own: Any, other: Any) -> Array:
    p, not_p = softmax(x)
    here, (weight, but) = _here(x, index), _of_label(x, index, w)
    if own is None:
        return _blank(weight * jnp.where(here, -not_p, p), index)
    each, but_each = (1, x.shape[-1] - 1) if w is None else (w, others(w))
    # p times the weight of the other classes, minus 1 - p times the own weight.
    rest = jnp.where(here, other * but, (own - other) * weight + other * but_each)
    lost = jnp.where(here, own * weight, other * each) * not_p
    return _blank(p * rest - lost, index)


def _share_of_loss(x: Array, index: Array, w: Any, own: Any, other: Any) -> Array:
    target = jnp.where(_here(x, index), own, other)
    weight = target if w is None else target * w
    return _blank(product(weight, negative_log_softmax(x)), index)


def _d_class_weights(x: Array, index: Array, _w: Any, own: Any, other: Any) -> Array:
    own, other = (1.0, 0.0) if own is None else (own, other)
    return _share_of_loss(x, index, None, own, other)


def _d_own(x: Array, index: Array, w: Any, _own: Any, _other: Any) -> Array:
    return _share_of_loss(x, index, w, 1.0, 0.0)


def _d_other(x: Array, index: Array, w: Any, _own: Any, _other: Any) -> Array:
    return _share_of_loss(x, index, w, 0.0, 1.0)


# Of each row: logits, class index, class weights, targets.
of_index = differentiable(
    _value, (_d_logits, None, _d_class_weights, _d_own, _d_other), rowwise=True
)
