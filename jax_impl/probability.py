"""Binary cross-entropy from probabilities, kept to show what it loses."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._inputs import computed, in_range
from jax_impl._reduce import reduce
from jax_impl._stable import log_complement, product
from refimpl._validate import REDUCTIONS, check_choice, check_pair, check_sample_weight

# PyTorch's clamp of both logarithms.
_LEAST_LOG = -100.0


def binary_cross_entropy(
    probs: ArrayLike,
    labels: ArrayLike,
    *,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.binary_cross_entropy`."""
    check_choice("reduction", reduction, REDUCTIONS)
    check_pair(probs, labels, names=("probs", "labels"))
    like = computed("probs", probs)
    check_sample_weight(sample_weight, like.shape)
    p = in_range(like, like=like, high=1)
    y = in_range(labels, like=p, high=1)
    loss = _cross_entropy(p, y)
    if sample_weight is not None:
        loss = product(in_range(sample_weight, like=p), loss)
    return reduce(loss, p.size, reduction)


def _logs(p: Array) -> tuple[Array, Array]:
    return jnp.log(p), log_complement(p)


def _value(p: Array, y: Array) -> Array:
    log_p, log_not_p = (jnp.maximum(log, _LEAST_LOG) for log in _logs(p))
    return -y * log_p - (1 - y) * log_not_p


def _d_probs(p: Array, y: Array) -> Array:
    # NaN, which is not below the clamp either, stays NaN.
    on, off = (~(log < _LEAST_LOG) for log in _logs(p))
    rise = jnp.where(off, 1 - y, 0) / jnp.where(off, 1 - p, 1)
    return rise - jnp.where(on, y, 0) / jnp.where(on, p, 1)


def _d_labels(p: Array, _y: Array) -> Array:
    log_p, log_not_p = (jnp.maximum(log, _LEAST_LOG) for log in _logs(p))
    return log_not_p - log_p


_cross_entropy = differentiable(_value, (_d_probs, _d_labels))
