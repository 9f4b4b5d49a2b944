"""Softmax with relative accuracy for every class; see ``refimpl._softmax``."""

import jax
import jax.numpy as jnp

from jax_impl._differentiable import differentiable


def top(a: jax.Array) -> jax.Array:
    """Marks the first of the largest elements."""
    return jnp.arange(a.shape[-1]) == jnp.argmax(a, axis=-1, keepdims=True)


def others(a: jax.Array) -> jax.Array:
    """Returns, for each element, the sum of the others; a >= 0, no cancellation."""
    first = top(a)
    rest = jnp.sum(jnp.where(first, 0, a), axis=-1, keepdims=True)
    # Only the largest element can be more than half of the sum.
    total = rest + jnp.sum(jnp.where(first, a, 0), axis=-1, keepdims=True)
    return jnp.where(first, rest, total - a)


def _from_top(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns the distance of each logit from the largest, and the rest of the sum."""
    first = top(x)
    # Not max, whose derivative is spread over ties.
    largest = jnp.sum(jnp.where(first, x, 0), axis=-1, keepdims=True)
    gap = jnp.where(first & ~jnp.isnan(x), 0, largest - x)
    rest = jnp.sum(jnp.where(first, 0, jnp.exp(-gap)), axis=-1, keepdims=True)
    return gap, rest


def negative_log_softmax(x: jax.Array) -> jax.Array:
    """Returns -log of the probability of each class; both terms are >= 0."""
    gap, rest = _from_top(x)
    return gap + jnp.log1p(rest)


def softmax(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns the probability of each class, and of all others together."""
    gap, rest = _from_top(x)
    share = jnp.exp(-gap)
    return share / (1 + rest), others(share) / (1 + rest)


def _against(x: jax.Array, own: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Returns the largest rival, the shares counted from it, and their rest."""
    rivals = jnp.where(own, -jnp.inf, x)
    first = top(rivals)
    largest = jnp.sum(jnp.where(first, rivals, 0), axis=-1, keepdims=True)
    share = jnp.exp(jnp.where(first, 0, rivals - largest))
    # A rival at -inf has no share, also where there is no other.
    share = jnp.where(jnp.isneginf(rivals), 0, share)
    return largest, share, jnp.sum(jnp.where(first, 0, share), axis=-1, keepdims=True)


def _margin_value(x: jax.Array, own: jax.Array) -> jax.Array:
    largest, _, rest = _against(x, own)
    # In this order: what logits have in common must not round their difference.
    lead = jnp.sum(jnp.where(own, x, 0), axis=-1, keepdims=True) - largest
    return (lead - jnp.log1p(rest)).squeeze(-1)


def _d_margin(x: jax.Array, own: jax.Array) -> jax.Array:
    _, share, rest = _against(x, own)
    return jnp.where(own, 1, -share / (1 + rest))


# The log-odds m of the class that a boolean array marks, for which p = sigmoid(m).
margin = differentiable(_margin_value, (_d_margin, None), rowwise=True)
