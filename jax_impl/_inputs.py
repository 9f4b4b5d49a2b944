"""Checks and conversions at the door of every loss; see ``refimpl._inputs``."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jax_impl._reduce import along_class_axis, sum_all
from refimpl import _validate


class BinaryInputs(NamedTuple):
    """Arguments of a binary loss, all in the dtype of computation.

    Attributes:
        logits: Scores.
        labels: Shaped like the scores.
        pos_weight: 0-d, or shaped to broadcast along its axis; None is off.
        sample_weight: Shaped like the scores; None is off.
    """

    logits: jax.Array
    labels: jax.Array
    pos_weight: jax.Array | None
    sample_weight: jax.Array | None


def binary_inputs(
    logits: Any,
    labels: Any,
    *,
    pos_weight: Any = None,
    sample_weight: Any = None,
    class_axis: int = -1,
) -> BinaryInputs:
    """Validates and converts; a bad value becomes NaN."""
    _validate.check_pair(logits, labels)
    shape = tuple(logits.shape)
    _validate.check_class_weight("pos_weight", pos_weight, shape, class_axis)
    _validate.check_sample_weight(sample_weight, shape)
    x = computed("logits", logits)
    y = in_range(labels, like=x, high=1)
    w, v = pos_weight, sample_weight
    if w is not None:
        w = along_class_axis(in_range(w, like=x), x.ndim, class_axis)
    if v is not None:
        v = in_range(v, like=x)
    return BinaryInputs(x, y, w, v)


def computed(name: str, scores: Any) -> jax.Array:
    """Returns the scores in the dtype of computation, float32 at least."""
    x = jnp.asarray(scores)
    if x.dtype.itemsize < 4:
        return x.astype(jnp.float32)
    if _validate.dtype_name(x) != _validate.dtype_name(scores):
        raise ValueError(
            f"{name} are float64 but JAX computes in float32: set jax_enable_x64, or "
            "pass float32."
        )
    return x


def hyperparameter(
    name: str, value: Any, *, like: jax.Array, **bounds: Any
) -> jax.Array:
    """Validates a scalar within the bounds; a traced one out of range becomes NaN."""
    _validate.check_number(name, value, **bounds)
    return in_range(value, like=like, **bounds)


def in_range(
    value: Any,
    *,
    like: jax.Array,
    high: float = float("inf"),
    closed: bool = True,
    positive: bool = False,
) -> jax.Array:
    """Converts to the dtype of ``like``; values outside [0, high] become NaN.

    The upper end is open unless ``closed``, the lower one if ``positive``. Python
    numbers are validated already, and may round to an end that is open.
    """
    if _validate.is_number(value):
        return jnp.asarray(value, dtype=like.dtype)
    if isinstance(value, np.ndarray):
        value = value.astype(like.dtype)  # large integers would wrap in int32
    array = jnp.asarray(value)
    bounds = {"high": high, "closed": closed and high < float("inf")}
    return _checked(array, dtype=like.dtype, positive=positive, **bounds)


@partial(jax.jit, static_argnames=("dtype", "high", "closed", "positive"))
def _checked(
    array: jax.Array, *, dtype: jnp.dtype, high: float, closed: bool, positive: bool
) -> jax.Array:
    array = array.astype(dtype)
    below = array > 0 if positive else array >= 0
    inside = below & ((array <= high) if closed else (array < high))
    # A product, so that the derivative with respect to a bad value is NaN as well.
    return array * jnp.where(inside, 1, jnp.nan)


class ClassInputs(NamedTuple):
    """Arguments of a loss on classes; see :class:`refimpl._inputs.ClassInputs`.

    Attributes:
        logits: Scores, the class axis last.
        labels: Probability of each class, NaN for a bad one; or the index of the class,
            ``IGNORED`` or ``BAD``.
        class_weights: One value per class, all NaN if one is bad; None is off.
        sample_weight: One value per example; None is off.
        normalizer: What ``"mean"`` divides by.
    """

    logits: jax.Array
    labels: jax.Array
    class_weights: jax.Array | None
    sample_weight: jax.Array | None
    normalizer: Any


# What a label is that is no class.
IGNORED, BAD = -1, -2


def class_inputs(
    logits: Any,
    labels: Any,
    *,
    class_weights: Any,
    sample_weight: Any = None,
    ignore_index: int,
    class_axis: int,
    normalizer: str,
) -> ClassInputs:
    """Validates and converts; a bad value becomes NaN, a bad index ``BAD``."""
    _validate.check_choice("normalizer", normalizer, _validate.NORMALIZERS)
    _validate.check_integer("ignore_index", ignore_index)
    by_index = _validate.check_classes(logits, labels, class_axis)
    x = jnp.moveaxis(computed("logits", logits), class_axis, -1)
    _validate.check_class_weights(class_weights, x.shape[-1])
    _validate.check_sample_weight(sample_weight, x.shape[:-1])
    w, v, by_weights = class_weights, sample_weight, normalizer == "weights"
    if w is not None:
        w = _all_or_none(in_range(w, like=x))
    if not by_index:
        y = in_range(jnp.moveaxis(jnp.asarray(labels), class_axis, -1), like=x, high=1)
        v = v if v is None else in_range(v, like=x)
        divisor = _mass(y, w) if by_weights else int(np.prod(x.shape[:-1]))
        return ClassInputs(x, y, w, v, divisor)
    index = _indices(_narrow(labels), classes=x.shape[-1], ignore_index=ignore_index)
    if v is not None:
        v = in_range(jnp.where(index == IGNORED, 1, v), like=x)
    divisor = _mass_of_index(index, w if by_weights else None)
    return ClassInputs(x, index, w, v, divisor)


@jax.jit
def _all_or_none(w: jax.Array) -> jax.Array:
    return w * jnp.where(jnp.isnan(w).any(), jnp.nan, 1)


@jax.jit
def _mass(y: jax.Array, w: jax.Array | None) -> jax.Array:
    return sum_all(y if w is None else y * w)


@jax.jit
def _mass_of_index(index: jax.Array, w: jax.Array | None) -> jax.Array:
    kept = index != IGNORED
    if w is None:
        return jnp.sum(kept)
    return sum_all(jnp.where(kept, weight_of(index, w), 0))


@jax.custom_jvp
def weight_of(index: jax.Array, w: jax.Array) -> jax.Array:
    """Returns the weight of the class of each example, of class 0 where it has none."""
    return w[jnp.maximum(index, 0)]


@weight_of.defjvp
def _d_weight_of(primals: tuple, tangents: tuple) -> tuple[jax.Array, jax.Array]:
    # Not by index: what is added up one by one on the way back rounds as often.
    (index, w), (_, change) = primals, tangents
    here = jnp.arange(w.size) == jnp.maximum(index, 0)[..., None]
    return weight_of(index, w), jnp.sum(jnp.where(here, change, 0), axis=-1)


def _narrow(labels: Any) -> jax.Array:
    """Converts class indices; what has no place in int32 becomes no class."""
    if isinstance(labels, np.ndarray) and labels.dtype.itemsize == 8:
        limits = np.iinfo(np.int32)
        inside = (labels >= limits.min) & (labels <= limits.max)
        labels = np.where(inside, labels, limits.min).astype(np.int32)
    return jnp.asarray(labels)


@partial(jax.jit, static_argnames=("classes", "ignore_index"))
def _indices(labels: jax.Array, *, classes: int, ignore_index: int) -> jax.Array:
    """Returns class indices with marks for what is no class."""
    # In a narrow type the ignored index would wrap; what wraps here is not ignored.
    unsigned = jnp.issubdtype(labels.dtype, jnp.unsignedinteger)
    labels = labels.astype(jnp.promote_types(labels.dtype, jnp.int32))
    valid = (labels >= 0) & (labels < classes)
    index = jnp.where(valid, labels, BAD)
    if jnp.iinfo(labels.dtype).min <= ignore_index <= jnp.iinfo(labels.dtype).max:
        ignored = (labels == ignore_index) & ~((labels < 0) & unsigned)
        index = jnp.where(ignored, IGNORED, index)
    return index.astype(jnp.int32)
