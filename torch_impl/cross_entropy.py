"""Cross-entropy over classes."""

from typing import Any

import torch
from torch import Tensor

from refimpl._validate import REDUCTIONS, SMOOTHINGS, check_choice
from torch_impl._differentiable import Differentiable
from torch_impl._indexed import Targets, joint, targets, value
from torch_impl._inputs import (
    IGNORED,
    blank,
    class_inputs,
    hyperparameter,
    scalar,
    share,
)
from torch_impl._limits import product
from torch_impl._reduce import reduce
from torch_impl._softmax import negative_log_softmax, others, softmax
from torch_impl._tracing import transformed, varies


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
    x, y, w, v, divisor = class_inputs(
        logits,
        labels,
        class_weights=class_weights,
        sample_weight=sample_weight,
        ignore_index=ignore_index,
        class_axis=class_axis,
        normalizer=normalizer,
    )
    s = hyperparameter("label_smoothing", label_smoothing, like=x, high=1, closed=False)
    options = {"weight": v, "normalizer": divisor, "reduction": reduction}
    if y.is_floating_point():
        t = _smoothed(y, s, smoothing)
    elif not (transformed() or isinstance(s, Tensor) or varies(w)):
        t = targets(s, x.shape[-1], smoothing)
        but = others(w).expand(x.shape) if w is not None and t.other > 0 else None
        w = None if w is None else w.expand(x.shape)
        return reduce(_of_index, (x, y, w, but, t), **options)
    else:
        x = blank(x, (y == IGNORED).unsqueeze(-1))
        t = _of_classes(y, targets(s, x.shape[-1], smoothing), like=x)
    w = torch.ones_like(x) if w is None else w.expand(x.shape)
    return reduce(_weighted_sum, (x, t, w), **options)


def _smoothed(y: Tensor, s: Any, smoothing: str) -> Tensor:
    classes = y.shape[-1]
    if smoothing == "uniform":
        return (1 - s) * y + s / classes
    # Without smoothing, 0 times an infinite slope would be NaN.
    if isinstance(s, float) and s == 0:
        return y
    return (1 - s) * y + s * (1 - y) / max(classes - 1, 1)


def _of_classes(index: Tensor, t: Targets, *, like: Tensor) -> Tensor:
    """Returns the target probabilities of class indices, 0 where ignored."""
    index = index.unsqueeze(-1)
    here = torch.arange(like.shape[-1], device=like.device) == index
    own, other = (scalar(part, like=like) for part in t)
    return torch.where(here, own, other) * share(index, like=like)


def _value(x: Tensor, t: Tensor, w: Tensor) -> Tensor:
    return product(w * t, negative_log_softmax(x)).sum(dim=-1)


def _d_logits(x: Tensor, t: Tensor, w: Tensor) -> Tensor:
    p, not_p = softmax(x)
    return p * others(w * t) - w * t * not_p


def _d_labels(x: Tensor, _t: Tensor, w: Tensor) -> Tensor:
    return product(w, negative_log_softmax(x))


def _d_class_weights(x: Tensor, t: Tensor, _w: Tensor) -> Tensor:
    return product(t, negative_log_softmax(x))


_weighted_sum = Differentiable(
    _value, (_d_logits, _d_labels, _d_class_weights), rowwise=True
)


def _d_logits_of_index(
    x: Tensor, index: Tensor, w: Any, but: Any, t: Targets
) -> Tensor:
    if not torch.is_grad_enabled():
        return joint(x, index, w, but, t)[1]
    x = torch.where((index == IGNORED).unsqueeze(-1), 0, x)
    w = torch.ones_like(x) if w is None else w
    return _d_logits(x, _of_classes(index, t, like=x), w)


_of_index = Differentiable(
    value, (_d_logits_of_index, None, None, None, None), joint=joint, rowwise=True
)
