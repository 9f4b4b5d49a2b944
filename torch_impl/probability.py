"""Binary cross-entropy from probabilities, kept to show what it loses."""

from typing import Any

import torch
from torch import Tensor

from refimpl._validate import REDUCTIONS, check_choice, check_pair, check_sample_weight
from torch_impl._differentiable import Differentiable
from torch_impl._inputs import computed, in_range
from torch_impl._reduce import reduce

# PyTorch's clamp of both logarithms.
_LEAST_LOG = -100.0


def binary_cross_entropy(
    probs: Tensor,
    labels: Tensor,
    *,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.binary_cross_entropy`."""
    check_choice("reduction", reduction, REDUCTIONS)
    check_pair(probs, labels, names=("probs", "labels"))
    check_sample_weight(sample_weight, tuple(probs.shape))
    like = computed("probs", probs)
    p = in_range("probs", like, like=like, high=1)
    y = in_range("labels", labels, like=p, high=1)
    v = sample_weight
    if v is not None:
        v = in_range("sample_weight", v, like=p)
    return reduce(
        _cross_entropy, (p, y), weight=v, normalizer=p.numel(), reduction=reduction
    )


def _logs(p: Tensor) -> tuple[Tensor, Tensor]:
    return torch.log(p), torch.log1p(-p)


def _value(p: Tensor, y: Tensor) -> Tensor:
    log_p, log_not_p = (log.clamp(min=_LEAST_LOG) for log in _logs(p))
    return -y * log_p - (1 - y) * log_not_p


def _d_probs(p: Tensor, y: Tensor) -> Tensor:
    # NaN, which is not below the clamp either, stays NaN.
    on, off = (~(log < _LEAST_LOG) for log in _logs(p))
    rise = torch.where(off, 1 - y, 0) / torch.where(off, 1 - p, 1)
    return rise - torch.where(on, y, 0) / torch.where(on, p, 1)


def _d_labels(p: Tensor, _y: Tensor) -> Tensor:
    log_p, log_not_p = (log.clamp(min=_LEAST_LOG) for log in _logs(p))
    return log_not_p - log_p


_cross_entropy = Differentiable(_value, (_d_probs, _d_labels))
