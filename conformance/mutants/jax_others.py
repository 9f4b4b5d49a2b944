"""Planted faults of losses over classes, with bins, of heat maps and mining, in JAX."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

import jax_impl
from conformance.mutants.jax_reduce import plain_only, reduce

ce, sfl = jax_impl.cross_entropy, jax_impl.softmax_focal_loss
ghmc, ghmr = jax_impl.ghmc_loss, jax_impl.ghmr_loss
heatmap, mining = jax_impl.heatmap_focal_loss, jax_impl.hard_example_mining


def probability_minus_one(
    logits: Array, labels: Array, *, reduction: str = "mean", **options: Any
) -> Any:
    """Optax's own: its gradient of the true class is p - 1."""
    plain_only(options)
    log_p = jax.nn.log_softmax(logits)
    own = jnp.take_along_axis(log_p, labels[..., None], axis=-1)
    return reduce(-own[..., 0], reduction)


def smoothing_over_the_others(
    logits: Array, labels: Array, *, smoothing: str = "off_target", **options: Any
) -> Any:
    return ce(logits, labels, smoothing=smoothing, **options)


def negative_label_wraps(logits: Array, labels: Array, **options: Any) -> Any:
    if jnp.issubdtype(labels.dtype, jnp.integer):
        labels = jnp.where(labels == -1, logits.shape[-1] - 1, labels)
    return ce(logits, labels, **options)


def mean_over_examples(
    logits: Array, labels: Array, *, normalizer: str = "count", **options: Any
) -> Any:
    return ce(logits, labels, normalizer=normalizer, **options)


def focal_weight_detached(
    logits: Array, labels: Array, *, gamma: Any = 2.0, reduction: str = "mean"
) -> Any:
    loss = sfl(logits, labels, gamma=0.0, reduction="none")
    weight = (-jnp.expm1(-jax.lax.stop_gradient(loss))) ** gamma
    return reduce(weight * loss, reduction)


def clamped_heat(logits: Array, labels: Array, **options: Any) -> Any:
    # Where the sigmoid is 1e-4 and 1 - 1e-4.
    return heatmap(jnp.clip(logits, -9.21024, 9.21024), labels, **options)


def heat_over_elements(
    logits: Array, labels: Array, *, reduction: str = "mean", **options: Any
) -> Any:
    return reduce(heatmap(logits, labels, reduction="none", **options), reduction)


def _norm(logits: Array, labels: Array) -> Array:
    return jnp.abs(jax.nn.sigmoid(logits) - labels)


def open_last_bin(logits: Array, labels: Array, **options: Any) -> Any:
    reduction = options.pop("reduction", "mean")
    loss, state = ghmc(logits, labels, reduction="none", **options)
    return reduce(loss * (_norm(logits, labels) < 1), reduction), state


def gradient_through_weights(logits: Array, labels: Array, **options: Any) -> Any:
    reduction = options.pop("reduction", "mean")
    loss, state = ghmc(logits, labels, reduction="none", **options)
    norm = _norm(logits, labels)
    return reduce(loss * (1 + norm - jax.lax.stop_gradient(norm)), reduction), state


def biased_average(
    logits: Array,
    labels: Array,
    state: Any = None,
    *,
    debias: bool = True,
    **options: Any,
) -> Any:
    del debias
    return ghmc(logits, labels, state, debias=False, **options)


def cancelling_root(
    predictions: Array, targets: Array, *, reduction: str = "mean", **options: Any
) -> Any:
    plain_only(options)
    each, state = ghmr(predictions, targets, reduction="none")
    d = predictions - targets
    smooth = jnp.sqrt(d * d + 0.02**2)
    weight = jax.lax.stop_gradient(jnp.nan_to_num(each / (d * d / (smooth + 0.02))))
    return reduce(weight * (smooth - 0.02), reduction), state


def later_ties_first(losses: Array, *, fraction: float = 0.2) -> Any:
    count = len(mining(losses, fraction=fraction)[0])
    keys = jnp.where(jnp.isnan(losses), jnp.inf, losses)
    order = jnp.argsort(-keys[::-1], stable=True)
    indices = len(losses) - 1 - order[:count]
    return indices, jnp.zeros(losses.shape, bool).at[indices].set(True)
