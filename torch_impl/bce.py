"""Binary cross-entropy from logits."""

from typing import Any

from torch import Tensor

from refimpl._validate import REDUCTIONS, check_choice
from torch_impl._differentiable import differentiable
from torch_impl._inputs import binary_inputs, hyperparameter
from torch_impl._reduce import reduce
from torch_impl._stable import product, sigmoid, softplus


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
    loss = cross_entropy(x, y, w, s.expand(x.shape))
    return reduce(product(v, loss), x.numel(), reduction)


def _targets(y: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    # Both sides from y: 1 - y' would lose the digits of a small s.
    return y * (1 - s) + s / 2, (1 - y) * (1 - s) + s / 2


def _value(x: Tensor, y: Tensor, w: Tensor, s: Tensor) -> Tensor:
    on, off = _targets(y, s)
    return product(w * on, softplus(-x)) + product(off, softplus(x))


def _d_logits(x: Tensor, y: Tensor, w: Tensor, s: Tensor) -> Tensor:
    on, off = _targets(y, s)
    return off * sigmoid(x) - w * on * sigmoid(-x)


def _d_labels(x: Tensor, _y: Tensor, w: Tensor, s: Tensor) -> Tensor:
    return (1 - s) * (product(w, softplus(-x)) - softplus(x))


def _d_pos_weight(x: Tensor, y: Tensor, _w: Tensor, s: Tensor) -> Tensor:
    on, _ = _targets(y, s)
    return product(on, softplus(-x))


def _d_label_smoothing(x: Tensor, y: Tensor, w: Tensor, _s: Tensor) -> Tensor:
    return product(w * (0.5 - y), softplus(-x)) - product(0.5 - y, softplus(x))


PARTIALS = (_d_logits, _d_labels, _d_pos_weight, _d_label_smoothing)

cross_entropy = differentiable(_value, PARTIALS)
