"""Binary cross-entropy from logits."""

from typing import Any

from torch import Tensor

from refimpl._validate import REDUCTIONS, check_choice
from torch_impl._differentiable import Differentiable
from torch_impl._inputs import binary_inputs, each, hyperparameter
from torch_impl._limits import product
from torch_impl._reduce import reduce
from torch_impl._sides import is_label, sides, tilt, weigh
from torch_impl._stable import softplus


def binary_cross_entropy_with_logits(
    logits: Tensor,
    labels: Tensor,
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
    return reduce(
        cross_entropy,
        (x, y, w, each(s, like=x)),
        weight=v,
        normalizer=x.numel(),
        reduction=reduction,
    )


def _targets(y: Tensor, w: Any, s: Any) -> tuple[Tensor, Tensor]:
    """Returns what multiplies softplus(-x) and softplus(x)."""
    on, off = sides(y)
    # Both sides from y: 1 - y' would lose the digits of a small s.
    if isinstance(s, Tensor) or s != 0:
        on, off = on * (1 - s) + s / 2, off * (1 - s) + s / 2
    return on if w is None else w * on, off


def _value(x: Tensor, y: Tensor, w: Any, s: Any) -> Tensor:
    return weigh(x, *_targets(y, w, s))


def _d_logits(x: Tensor, y: Tensor, w: Any, s: Any) -> Tensor:
    return tilt(x, *_targets(y, w, s))


def _joint(x: Tensor, y: Tensor, w: Any, s: Any) -> tuple[Tensor, Tensor]:
    on, off = _targets(y, w, s)
    return weigh.value(x, on, off), tilt(x, on, off)


def _d_labels(x: Tensor, y: Tensor, w: Any, s: Any) -> Tensor:
    on = softplus(-x) if w is None else product(w, softplus(-x))
    return (1 - s) * (on - softplus(x)) * is_label(y)


def _d_pos_weight(x: Tensor, y: Tensor, _w: Any, s: Any) -> Tensor:
    on, off = _targets(y, None, s)
    return product(on + 0 * off, softplus(-x))


def _d_label_smoothing(x: Tensor, y: Tensor, w: Any, _s: Any) -> Tensor:
    rest = (0.5 - y) * is_label(y)
    on = rest if w is None else w * rest
    return product(on, softplus(-x)) - product(rest, softplus(x))


PARTIALS = (_d_logits, _d_labels, _d_pos_weight, _d_label_smoothing)

cross_entropy = Differentiable(_value, PARTIALS, joint=_joint)
