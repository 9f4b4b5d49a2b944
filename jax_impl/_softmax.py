"""Softmax with relative accuracy for every class; see ``refimpl._softmax``."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jax_impl._differentiable import differentiable

# The most classes that are added up one after the other.
_WIDE = 512


def _top(a: Array) -> Array:
    """Marks the first of the largest elements."""
    return jnp.arange(a.shape[-1]) == jnp.argmax(a, axis=-1, keepdims=True)


@jax.jit
def row_sum(terms: Array, weight: Any = None) -> Array:
    """Returns the sums of the rows as a column, of terms times weights of classes."""
    if weight is not None:
        terms = terms * weight
    if terms.shape[-1] > _WIDE:
        return _row_sum(terms)
    return jax.lax.platform_dependent(terms, cpu=_row_product, default=_row_sum)


def _row_sum(terms: Array) -> Array:
    return jnp.sum(terms, axis=-1, keepdims=True)


def _row_product(terms: Array) -> Array:
    # As in _reduce: what goes into a product is computed several at a time.
    ones = jnp.ones((terms.shape[-1], 1), terms.dtype)
    return jnp.matmul(terms, ones, precision="highest")


def _rest(share: Array, largest: Array) -> Array:
    """Returns the sum of shares, of which the largest are exactly 1, less 1."""
    total, below = row_sum(share), row_sum(jnp.where(share == 1, 0, share))
    # Two at the top make 2 of it, and 1 is subtracted without loss. The position of the
    # largest would cost more than all the rest. NaN where several logits are infinite,
    # as there is no limit.
    return jnp.where(total < 2, below, total - 1 + 0 * largest)


@jax.custom_jvp
def others(a: Array) -> Array:
    """Returns, for each element, the sum of the others; a >= 0, no cancellation."""
    largest = jnp.max(a, axis=-1, keepdims=True)
    at_top = a == largest
    ties = jnp.sum(at_top, axis=-1, keepdims=True, dtype=a.dtype) - 1
    rest = jnp.sum(jnp.where(at_top, 0, a), axis=-1, keepdims=True) + ties * largest
    # Only the largest element can be more than half of the sum.
    return jnp.where(at_top, rest, rest + largest - a)


@others.defjvp
def _d_others(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    (change,) = tangents
    return others(*primals), jnp.sum(change, axis=-1, keepdims=True) - change


def from_top(x: Array) -> tuple[Array, Array, Array, Array]:
    """Returns the largest logits, the distances from them, and what comes of those.

    These are the shares, which are 1 for the largest, and the sum of the others.
    """
    largest = jnp.max(x, axis=-1, keepdims=True)
    gap = jnp.where(x == largest, 0, largest - x)
    share = jnp.exp(-gap)
    return largest, gap, share, _rest(share, largest)


def _above_mean(x: Array, p: Array, change: Array) -> Array:
    # Counted from the top, where p rounds to 1 and the mean to the change itself.
    change = change - jnp.sum(jnp.where(_top(x), change, 0), axis=-1, keepdims=True)
    return change - jnp.sum(p * change, axis=-1, keepdims=True)


@jax.custom_jvp
@jax.jit
def negative_log_softmax(x: Array) -> Array:
    """Returns -log of the probability of each class; both terms are >= 0."""
    _, gap, _, rest = from_top(x)
    return gap + jnp.log1p(rest)


@negative_log_softmax.defjvp
def _d_negative_log_softmax(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    (x,), (change,) = primals, tangents
    p, _ = softmax(x)
    return negative_log_softmax(x), -_above_mean(x, p, change)


@jax.custom_jvp
@jax.jit
def softmax(x: Array) -> tuple[Array, Array]:
    """Returns the probability of each class, and of all others together."""
    _, _, share, rest = from_top(x)
    inverse = 1 / (1 + rest)
    return share * inverse, jnp.where(share == 1, rest, 1 - share + rest) * inverse


@softmax.defjvp
def _d_softmax(primals: tuple, tangents: tuple) -> tuple[tuple, tuple]:
    (x,), (change,) = primals, tangents
    p, not_p = softmax(x)
    slope = p * _above_mean(x, p, change)
    return (p, not_p), (slope, -slope)


def _rivals(x: Array, label: Array) -> tuple[Array, Array]:
    """Returns which class is the label, and the logits of all others."""
    own = jnp.arange(x.shape[-1]) == label[..., None]
    return own, jnp.where(own, -jnp.inf, x)


def _margin_value(x: Array, label: Array) -> Array:
    _, rivals = _rivals(x, label)
    largest, _, _, rest = from_top(rivals)
    # Rivals at -inf have no share, also where there are no others.
    rest = jnp.where(jnp.isneginf(largest), 0, rest)
    # In this order: what logits have in common must not round their difference.
    lead = jnp.take_along_axis(x, label[..., None], axis=-1, mode="clip") - largest
    return (lead - jnp.log1p(rest)).squeeze(-1)


def _d_margin(x: Array, label: Array) -> Array:
    own, rivals = _rivals(x, label)
    p, _ = softmax(rivals)
    return jnp.where(own, 1, -jnp.where(jnp.isneginf(rivals), 0, p))


# The log-odds m of a class, for which p = sigmoid(m).
margin = differentiable(_margin_value, (_d_margin, None), rowwise=True)
