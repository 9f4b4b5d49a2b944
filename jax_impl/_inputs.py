"""Checks and conversions at the door of every loss; see ``refimpl._inputs``."""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jax_impl._reduce import along_class_axis
from refimpl import _validate


class BinaryInputs(NamedTuple):
    """Arguments of a binary loss, all in the dtype and shape of computation."""

    logits: jax.Array
    labels: jax.Array
    pos_weight: jax.Array
    sample_weight: jax.Array


def binary_inputs(
    logits: Any,
    labels: Any,
    *,
    pos_weight: Any = None,
    sample_weight: Any = None,
    class_axis: int = -1,
) -> BinaryInputs:
    """Validates and converts; a weight that is off becomes 1, a bad value NaN."""
    _validate.check_pair(logits, labels)
    shape = tuple(logits.shape)
    _validate.check_class_weight("pos_weight", pos_weight, shape, class_axis)
    _validate.check_sample_weight(sample_weight, shape)
    x = computed("logits", logits)
    w = in_range(1 if pos_weight is None else pos_weight, like=x)
    v = in_range(1 if sample_weight is None else sample_weight, like=x)
    return BinaryInputs(
        x,
        in_range(labels, like=x, high=1),
        jnp.broadcast_to(along_class_axis(w, x.ndim, class_axis), shape),
        v,
    )


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
        labels: Probability of each class; NaN for a bad one.
        class_weights: One value per class; all NaN if one is bad.
        sample_weight: One value per example, or 0-d.
        kept: Whether an example counts.
        normalizer: What ``"mean"`` divides by.
    """

    logits: jax.Array
    labels: jax.Array
    class_weights: jax.Array
    sample_weight: jax.Array
    kept: jax.Array
    normalizer: jax.Array


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
    """Validates and converts; a weight that is off becomes 1, a bad value NaN."""
    _validate.check_choice("normalizer", normalizer, _validate.NORMALIZERS)
    _validate.check_integer("ignore_index", ignore_index)
    by_index = _validate.check_classes(logits, labels, class_axis)
    x = jnp.moveaxis(computed("logits", logits), class_axis, -1)
    _validate.check_class_weights(class_weights, x.shape[-1])
    _validate.check_sample_weight(sample_weight, x.shape[:-1])
    if by_index:
        y, kept = _one_hot(_indices(labels), x, ignore_index=ignore_index)
    else:
        y = in_range(jnp.moveaxis(jnp.asarray(labels), class_axis, -1), like=x, high=1)
        kept = jnp.ones(x.shape[:-1], bool)
    w = jnp.ones(x.shape[-1], x.dtype)
    if class_weights is not None:
        w = in_range(class_weights, like=x)
    v = jnp.ones((), x.dtype)
    if sample_weight is not None:
        v = in_range(jnp.where(kept, sample_weight, 1), like=x)
    return _prepared(x, y, w, v, kept, by_weights=normalizer == "weights")


@partial(jax.jit, static_argnames="by_weights")
def _prepared(
    x: jax.Array,
    y: jax.Array,
    w: jax.Array,
    v: jax.Array,
    kept: jax.Array,
    *,
    by_weights: bool,
) -> ClassInputs:
    w = w * jnp.where(jnp.isnan(w).any(), jnp.nan, 1)
    divisor = jnp.sum(y * w) if by_weights else jnp.sum(kept)
    return ClassInputs(jnp.where(kept[..., None], x, 0), y, w, v, kept, divisor)


def _indices(labels: Any) -> jax.Array:
    """Converts class indices; what has no place in int32 becomes no class."""
    if isinstance(labels, np.ndarray) and labels.dtype.itemsize == 8:
        limits = np.iinfo(np.int32)
        inside = (labels >= limits.min) & (labels <= limits.max)
        labels = np.where(inside, labels, limits.min).astype(np.int32)
    return jnp.asarray(labels)


@partial(jax.jit, static_argnames="ignore_index")
def _one_hot(
    labels: jax.Array, x: jax.Array, *, ignore_index: int
) -> tuple[jax.Array, jax.Array]:
    """Returns labels as probabilities, 0 where ignored, and which are kept."""
    # In a narrow type the ignored index would wrap; what wraps here is not ignored.
    unsigned = jnp.issubdtype(labels.dtype, jnp.unsignedinteger)
    labels = labels.astype(jnp.promote_types(labels.dtype, jnp.int32))
    kept = jnp.ones(labels.shape, bool)
    if jnp.iinfo(labels.dtype).min <= ignore_index <= jnp.iinfo(labels.dtype).max:
        kept = (labels != ignore_index) | ((labels < 0) & unsigned)
    valid = (labels >= 0) & (labels < x.shape[-1])
    share = jnp.where(kept, jnp.where(valid, 1, jnp.nan), 0).astype(x.dtype)
    own = jnp.arange(x.shape[-1]) == labels[..., None]
    # Not own * share: XLA makes a choice of it, and the NaN of a bad index is lost.
    own |= jnp.isnan(share)[..., None]
    return jnp.where(own, share[..., None], 0), kept
