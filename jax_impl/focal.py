"""Focal loss on independent logits."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._inputs import binary_inputs, hyperparameter
from jax_impl._miss import d_log_q, log_q, miss, negative_share, positive_share
from jax_impl._power import exponent, factor, raised
from jax_impl._reduce import reduce
from jax_impl._sides import tilt, weigh
from jax_impl._stable import cosigmoid, product, sigmoid, softplus, softplus_ratio
from refimpl._validate import REDUCTIONS, check_choice

# Stands for an infinite logit; its products are still finite in float32.
_HUGE = 1e30


def sigmoid_focal_loss(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    alpha: Any = None,
    gamma: Any = 2.0,
    pos_weight: Any = None,
    sample_weight: Any = None,
    class_axis: int = -1,
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.sigmoid_focal_loss`.

    The gradient is a rule of its own: the chain rule through ``(1 - p_t) ** gamma``
    gives NaN for ``gamma < 1`` once ``p_t`` rounds to 1.
    """
    check_choice("reduction", reduction, REDUCTIONS)
    x, y, w, v = binary_inputs(
        logits,
        labels,
        pos_weight=pos_weight,
        sample_weight=sample_weight,
        class_axis=class_axis,
    )
    gamma = exponent("gamma", gamma, like=x)
    loss = focal(x, y, w, gamma, *alphas(alpha, x))
    if v is not None:
        loss = product(v, loss)
    return reduce(loss, x.size, reduction)


def alphas(alpha: Any, x: Array) -> tuple[Array | None, Array | None]:
    """Returns the weights of the positive and the negative class; None is off."""
    if alpha is None:
        return None, None
    alpha = hyperparameter("alpha", alpha, like=x, high=1)
    return alpha, 1 - alpha


def _weight(x: Array, y: Array, gamma: Any, on: Any, off: Any) -> Array:
    modulator = raised(miss(x, y), gamma)
    return modulator if on is None else (y * on + (1 - y) * off) * modulator


def _cross_entropy(x: Array, y: Array, w: Any) -> Array:
    return weigh(x, *_targets(y, w))


def _targets(y: Array, w: Any) -> tuple[Array, Array]:
    return y if w is None else w * y, 1 - y


def _value(x: Array, y: Array, w: Any, gamma: Any, on: Any, off: Any) -> Array:
    return product(_weight(x, y, gamma, on, off), _cross_entropy(x, y, w))


def _d_logits(x: Array, y: Array, w: Any, gamma: Any, on: Any, off: Any) -> Array:
    focusing = factor(gamma) * product(d_log_q(x, y), _cross_entropy(x, y, w))
    return _weight(x, y, gamma, on, off) * (focusing + tilt(x, *_targets(y, w)))


def _d_labels(x: Array, y: Array, w: Any, gamma: Any, on: Any, off: Any) -> Array:
    # Terms of opposite sign meet at an infinite logit: the limit is that of a huge one.
    huge = jnp.where(jnp.isinf(x), jnp.inf, 1)
    x = jnp.clip(x, -_HUGE, _HUGE)
    w = 1 if w is None else w
    # Cross-entropy / q stays finite where both vanish, so 1 / q is never formed.
    ratio = w * positive_share(x, y) * softplus_ratio(-x)
    ratio = ratio + negative_share(x, y) * softplus_ratio(x)
    focusing = factor(gamma) * (cosigmoid(x) - sigmoid(x)) * ratio
    slope = focusing + w * softplus(-x) - softplus(x)
    if on is not None:
        slope = (y * on + (1 - y) * off) * slope
        slope = slope + (on - off) * _cross_entropy(x, y, w)
    # The power of a q that underflows is not small where gamma is.
    modulator = jnp.exp(product(factor(gamma), log_q(x, y)))
    return product(modulator * slope, huge)


def _d_pos_weight(x: Array, y: Array, _w: Any, gamma: Any, on: Any, off: Any) -> Array:
    return product(_weight(x, y, gamma, on, off), product(y, softplus(-x)))


def _d_gamma(x: Array, y: Array, w: Any, gamma: Any, on: Any, off: Any) -> Array:
    return product(_value(x, y, w, gamma, on, off), log_q(x, y))


def _d_on(x: Array, y: Array, w: Any, gamma: Any, _on: Any, _off: Any) -> Array:
    return product(y, _value(x, y, w, gamma, None, None))


def _d_off(x: Array, y: Array, w: Any, gamma: Any, _on: Any, _off: Any) -> Array:
    return product(1 - y, _value(x, y, w, gamma, None, None))


PARTIALS = (_d_logits, _d_labels, _d_pos_weight, _d_gamma, _d_on, _d_off)

focal = differentiable(_value, PARTIALS)
