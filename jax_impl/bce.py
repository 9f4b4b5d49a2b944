"""Binary cross-entropy from logits."""

from typing import Any

from jax import Array
from jax.typing import ArrayLike

from jax_impl._differentiable import differentiable
from jax_impl._inputs import binary_inputs, hyperparameter
from jax_impl._reduce import reduce
from jax_impl._sides import tilt, weigh
from jax_impl._stable import product, softplus
from refimpl._validate import REDUCTIONS, check_choice, is_number


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
    if is_number(label_smoothing) and label_smoothing == 0:
        s = None
    loss = cross_entropy(x, y, w, s)
    if v is not None:
        loss = product(v, loss)
    return reduce(loss, x.size, reduction)


def _targets(y: Array, w: Any, s: Any) -> tuple[Array, Array]:
    """Returns what multiplies softplus(-x) and softplus(x)."""
    on, off = y, 1 - y
    if s is not None:
        # Both sides from y: 1 - y' would lose the digits of a small s.
        on, off = on * (1 - s) + s / 2, off * (1 - s) + s / 2
    return on if w is None else w * on, off


def _value(x: Array, y: Array, w: Any, s: Any) -> Array:
    return weigh(x, *_targets(y, w, s))


def _d_logits(x: Array, y: Array, w: Any, s: Any) -> Array:
    return tilt(x, *_targets(y, w, s))


def _d_labels(x: Array, _y: Array, w: Any, s: Any) -> Array:
    on = softplus(-x) if w is None else product(w, softplus(-x))
    slope = on - softplus(x)
    return slope if s is None else (1 - s) * slope


def _d_pos_weight(x: Array, y: Array, _w: Array, s: Any) -> Array:
    on, _ = _targets(y, None, s)
    return product(on, softplus(-x))


def _d_label_smoothing(x: Array, y: Array, w: Any, _s: Array) -> Array:
    rest = 0.5 - y
    on = rest if w is None else w * rest
    return product(on, softplus(-x)) - product(rest, softplus(x))


PARTIALS = (_d_logits, _d_labels, _d_pos_weight, _d_label_smoothing)

cross_entropy = differentiable(_value, PARTIALS)
