"""Planted faults of losses on independent logits and probabilities, in JAX."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

import jax_impl
from conformance.mutants.jax_reduce import plain_only, reduce

bce, focal = jax_impl.binary_cross_entropy_with_logits, jax_impl.sigmoid_focal_loss
adaptive = jax_impl.adaptive_bce_with_logits


@jax.custom_vjp
def _steeper(x: Array) -> Array:
    return x


_steeper.defvjp(lambda x: (x, None), lambda _, g: (1.01 * g,))


def gradient_times_1_01(logits: Array, labels: Array, **options: Any) -> Any:
    return focal(_steeper(logits), labels, **options)


def _from_terms(terms: Callable[[Array], tuple[Array, Array]]) -> Callable[..., Any]:
    """Makes a plain BCE from its two terms as functions of the logits."""

    def loss(logits: Array, labels: Array, *, reduction: str = "mean") -> Any:
        y = labels.astype(logits.dtype)
        positive, negative = terms(logits)
        return reduce(y * positive + (1 - y) * negative, reduction)

    return loss


def _textbook(x: Array) -> tuple[Array, Array]:
    negative = jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))
    return negative - x, negative


def _clipped(x: Array) -> tuple[Array, Array]:
    p = jnp.clip(jax.nn.sigmoid(x), 1e-7, 1 - 1e-7)
    return -jnp.log(p), -jnp.log1p(-p)


textbook = _from_terms(_textbook)
clip_1e_7 = _from_terms(_clipped)


def smoothing_without_halving(
    logits: Array, labels: Array, *, label_smoothing: Any = 0.0, **options: Any
) -> Any:
    y = labels * (1 - label_smoothing) + (1 - labels) * label_smoothing
    return bce(logits, y, **options)


def naive_power(
    logits: Array,
    labels: Array,
    *,
    alpha: Any,
    gamma: Any = 2.0,
    reduction: str = "mean",
) -> Any:
    y = labels.astype(logits.dtype)
    p = jax.nn.sigmoid(logits)
    pt = y * p + (1 - y) * (1 - p)
    loss = (1 - pt) ** gamma * bce(logits, y, reduction="none")
    return reduce((y * alpha + (1 - y) * (1 - alpha)) * loss, reduction)


def swapped_alpha(
    logits: Array, labels: Array, *, alpha: Any = None, **options: Any
) -> Any:
    alpha = None if alpha is None else 1 - alpha
    return focal(logits, labels, alpha=alpha, **options)


def default_where_traced(
    logits: Array, labels: Array, *, gamma: Any = 2.0, **options: Any
) -> Any:
    """Looks for a number, which is none under jit."""
    gamma = gamma if isinstance(gamma, float) else 2.0
    return focal(logits, labels, gamma=gamma, **options)


def clipped_labels(logits: Array, labels: Array, **options: Any) -> Any:
    return bce(logits, jnp.clip(jnp.nan_to_num(labels), 0, 1), **options)


def computed_in_half(logits: Array, labels: Array, **options: Any) -> Any:
    loss = bce(logits, labels, **options)
    return loss.astype(logits.dtype).astype(loss.dtype)


def whole_loss_weighted(
    logits: Array, labels: Array, *, pos_weight: Any, **options: Any
) -> Any:
    reduction = options.pop("reduction", "mean")
    loss = adaptive(logits, labels, pos_weight=1.0, reduction="none", **options)
    return reduce(pos_weight * loss, reduction)


def epsilon_in_the_logarithm(
    probs: Array, labels: Array, *, reduction: str = "mean", **options: Any
) -> Any:
    plain_only(options)
    y = labels.astype(probs.dtype)
    loss = -y * jnp.log(probs + 1e-7) - (1 - y) * jnp.log(1 - probs + 1e-7)
    return reduce(loss, reduction)
