"""Binary cross-entropy from logits."""

from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._inputs import binary_inputs, hyperparameter
from jax_impl._reduce import reduce
from jax_impl._stable import product, sigmoid, softplus
from refimpl._validate import REDUCTIONS, check_choice


def binary_cross_entropy_with_logits(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    pos_weight: Any = None,
    sample_weight: Any = None,
    label_smoothing: Any = 0.0,
    class_axis: int = -1,
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.binary_cross_entropy_with_logits`.

    The gradient is a rule of its own, ``(1 - y') sigmoid(x) - w y' sigmoid(-x)``:
    differentiating through ``max`` and ``abs`` is wrong at x = 0.
    """
    check_choice("reduction", reduction, REDUCTIONS)
    x, y, w, v = binary_inputs(
        logits,
        labels,
        pos_weight=pos_weight,
        sample_weight=sample_weight,
        class_axis=class_axis,
    )
    s = hyperparameter("label_smoothing", label_smoothing, like=x, high=1, closed=False)
    loss = cross_entropy(x, y, w, jnp.broadcast_to(s, x.shape))
    return reduce(product(v, loss), x.size, reduction)


def _targets(y: Array, s: Array) -> tuple[Array, Array]:
    # Both sides from y: 1 - y' would lose the digits of a small s.
    return y * (1 - s) + s / 2, (1 - y) * (1 - s) + s / 2


def _value(x: Array, y: Array, w: Array, s: Array) -> Array:
    on, off = _targets(y, s)
    return product(w * on, softplus(-x)) + product(off, softplus(x))


def _d_logits(x: Array, y: Array, w: Array, s: Array) -> Array:
    on, off = _targets(y, s)
    return off * sigmoid(x) - w * on * sigmoid(-x)


def _d_labels(x: Array, _y: Array, w: Array, s: Array) -> Array:
    return (1 - s) * (product(w, softplus(-x)) - softplus(x))


def _d_pos_weight(x: Array, y: Array, _w: Array, s: Array) -> Array:
    on, _ = _targets(y, s)
    return product(on, softplus(-x))


def _d_label_smoothing(x: Array, y: Array, w: Array, _s: Array) -> Array:
    return product(w * (0.5 - y), softplus(-x)) - product(0.5 - y, softplus(x))


PARTIALS = (_d_logits, _d_labels, _d_pos_weight, _d_label_smoothing)

cross_entropy = differentiable(_value, PARTIALS)
