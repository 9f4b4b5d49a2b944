"""Cross-entropy over classes."""

from typing import Any

import torch
from torch import Tensor

from refimpl._validate import REDUCTIONS, SMOOTHINGS, check_choice
from torch_impl._differentiable import differentiable
from torch_impl._inputs import class_inputs, hyperparameter
from torch_impl._limits import product
from torch_impl._reduce import reduce
from torch_impl._softmax import negative_log_softmax, others, softmax


def cross_entropy(
    logits: Tensor,
    labels: Tensor,
    *,
    class_weights: Any = None,
    sample_weight: Any = None,
    label_smoothing: Any = 0.0,
    smoothing: str = "uniform",
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "weights",
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.cross_entropy`.

    The gradient is a rule of its own: p - 1 for the true class has no digits left
    where p rounds to 1, minus the sum of the others has them all.
    """
    check_choice("reduction", reduction, REDUCTIONS)
    check_choice("smoothing", smoothing, SMOOTHINGS)
    x, y, w, v, kept, divisor = class_inputs(
        logits,
        labels,
        class_weights=class_weights,
        sample_weight=sample_weight,
        ignore_index=ignore_index,
        class_axis=class_axis,
        normalizer=normalizer,
    )
    s = hyperparameter("label_smoothing", label_smoothing, like=x, high=1, closed=False)
    t = torch.where(kept.unsqueeze(-1), _targets(y, s, smoothing), 0)
    return reduce(
        _weighted_sum,
        (x, t, w.expand(x.shape)),
        weight=v,
        normalizer=divisor,
        reduction=reduction,
    )


def _targets(y: Tensor, s: Tensor, smoothing: str) -> Tensor:
    classes = y.shape[-1]
    if smoothing == "uniform":
        return (1 - s) * y + s / classes
    return (1 - s) * y + s * (1 - y) / max(classes - 1, 1)


def _value(x: Tensor, t: Tensor, w: Tensor) -> Tensor:
    return product(w * t, negative_log_softmax(x)).sum(dim=-1)


def _d_logits(x: Tensor, t: Tensor, w: Tensor) -> Tensor:
    p, not_p = softmax(x)
    return p * others(w * t) - w * t * not_p


def _d_labels(x: Tensor, _t: Tensor, w: Tensor) -> Tensor:
    return product(w, negative_log_softmax(x))


def _d_class_weights(x: Tensor, t: Tensor, _w: Tensor) -> Tensor:
    return product(t, negative_log_softmax(x))


_weighted_sum = differentiable(
    _value, (_d_logits, _d_labels, _d_class_weights), rowwise=True
)
