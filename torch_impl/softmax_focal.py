"""Focal loss over classes."""

from typing import Any

import torch
from torch import Tensor

from refimpl._validate import REDUCTIONS, check_choice, check_indices
from torch_impl._inputs import (
    IGNORED,
    blank,
    class_inputs,
    each,
    hyperparameter,
    picked,
    share,
)
from torch_impl._reduce import reduce
from torch_impl._softmax import margin
from torch_impl.focal import focal


def softmax_focal_loss(
    logits: Tensor,
    labels: Tensor,
    *,
    gamma: Any = 2.0,
    class_weights: Any = None,
    ignore_index: int = -100,
    class_axis: int = -1,
    normalizer: str = "count",
    reduction: str = "mean",
) -> Any:
    """Computes :func:`refimpl.softmax_focal_loss`.

    It is the sigmoid focal loss of the margin, whose slope by the logits is a rule of
    its own: 1 at the label, minus the softmax of the others elsewhere.
    """
    check_choice("reduction", reduction, REDUCTIONS)
    check_indices(labels)
    x, index, w, _, divisor = class_inputs(
        logits,
        labels,
        class_weights=class_weights,
        ignore_index=ignore_index,
        class_axis=class_axis,
        normalizer=normalizer,
    )
    ignored, label = index == IGNORED, index.clamp(min=0)
    weight = share(index, like=x)
    if w is not None:
        weight = torch.where(ignored, 0, weight * picked(w, label))
    m = margin(blank(x, ignored.unsqueeze(-1)), label)
    gamma = each(hyperparameter("gamma", gamma, like=x), like=m)
    args = m, torch.ones_like(m), weight, gamma, None
    return reduce(focal, args, normalizer=divisor, reduction=reduction)
