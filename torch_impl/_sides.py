"""The two sides of a label: what counts as positive and what as negative."""

from typing import Any

import torch
from torch import Tensor

from torch_impl._differentiable import Differentiable
from torch_impl._limits import nonnegative, plus_product, replace_nan_
from torch_impl._stable import sigmoids, softplus, softplus_rest


def sides(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Returns y and 1 - y, of which one is NaN unless y is in [0, 1]."""
    return nonnegative(labels), nonnegative(1 - labels)


def by_side(on: Tensor, off: Tensor, positive: Any, negative: Any) -> Tensor:
    """Returns on * positive + off * negative, a weight for each label."""
    if isinstance(negative, Tensor):
        return on * positive + off * negative
    return torch.add(on * positive, off, alpha=negative)


def is_label(labels: Tensor) -> Tensor:
    """Returns 1, or NaN where a label is not in [0, 1]."""
    on, off = sides(labels)
    return 1 + 0 * (on + off)


def _weigh(x: Tensor, on: Tensor, off: Tensor) -> Tensor:
    loss = plus_product(off * x.clamp(min=0), on, x.clamp(max=0), sign=-1)
    # A side that is off stays off at an infinite logit; the other term has the NaN.
    return plus_product(replace_nan_(loss), on + off, softplus_rest(x))


def tilt(x: Tensor, on: Tensor, off: Tensor) -> Tensor:
    """Returns off * sigmoid(x) - on * sigmoid(-x), the slope of ``weigh``."""
    p, not_p = sigmoids(x)
    return plus_product(off * p, on, not_p, sign=-1)


# on * softplus(-x) + off * softplus(x), the cross-entropy of two sides.
weigh = Differentiable(
    _weigh,
    (tilt, lambda x, _on, _off: softplus(-x), lambda x, _on, _off: softplus(x)),
)
