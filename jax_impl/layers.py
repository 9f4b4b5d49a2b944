"""Layers with every constant explicit; see :mod:`refimpl.layers`.

Flax's own modules compute the same with ``epsilon=eps`` and, where they have them,
``momentum=1 - momentum`` and ``use_fast_variance=False``; their running variance is
the biased one, and float32 whatever ``param_dtype`` is.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jax_impl._inputs import computed
from refimpl import _validate
from refimpl import _validate_layers as _door


class BatchStatistics(NamedTuple):
    """State of :func:`batch_norm`; see :mod:`refimpl.layers`."""

    mean: Any
    variance: Any


def dropout(inputs: Any, mask: Any, *, rate: float) -> jax.Array:
    """Computes :func:`refimpl.layers.dropout`; the mask may be a NumPy array."""
    _door.check_dropout(inputs, mask, rate)
    x = computed("inputs", inputs)
    return jnp.where(jnp.asarray(mask), x / (1.0 - rate), 0.0).astype(inputs.dtype)


def init_batch_norm(scale: Any) -> BatchStatistics:
    """Computes :func:`refimpl.layers.init_batch_norm`."""
    _validate.check_floating("scale", scale)
    return BatchStatistics(jnp.zeros_like(scale), jnp.ones_like(scale))


def batch_norm(
    inputs: Any,
    scale: Any,
    bias: Any,
    state: BatchStatistics,
    *,
    training: bool,
    momentum: float,
    eps: float,
    unbiased: bool,
) -> tuple[jax.Array, BatchStatistics]:
    """Computes :func:`refimpl.layers.batch_norm`."""
    _door.check_running(training, unbiased, momentum)
    running = _door.named_statistics(state)
    _door.check_norm(inputs, eps, scale=scale, bias=bias, **running)
    x = computed("inputs", inputs)
    mean, variance = (part.astype(x.dtype) for part in state)
    if training:
        _door.check_batch(inputs)
        axes = tuple(range(x.ndim - 1))
        mean, variance = jnp.mean(x, axes), jnp.var(x, axes)
        values = x.size // x.shape[-1]
        factor = values / (values - 1) if unbiased else 1.0
        latest = jax.lax.stop_gradient((mean, factor * variance))
        state = BatchStatistics(
            *(
                ((1.0 - momentum) * old + momentum * new).astype(old.dtype)
                for old, new in zip(state, latest, strict=True)
            )
        )
    outputs = _normalized(x, mean, variance, eps) * scale + bias
    return outputs.astype(inputs.dtype), state


def layer_norm(inputs: Any, scale: Any, bias: Any, *, eps: float) -> jax.Array:
    """Computes :func:`refimpl.layers.layer_norm`."""
    _door.check_norm(inputs, eps, scale=scale, bias=bias)
    x = computed("inputs", inputs)
    mean, variance = jnp.mean(x, -1, keepdims=True), jnp.var(x, -1, keepdims=True)
    outputs = _normalized(x, mean, variance, eps) * scale + bias
    return outputs.astype(inputs.dtype)


def _normalized(x: Any, mean: Any, variance: Any, eps: float) -> jax.Array:
    return (x - mean) * jax.lax.rsqrt(variance + eps)
