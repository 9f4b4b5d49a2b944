"""The probability q = 1 - p_t of missing a label; see ``refimpl._miss``."""

from typing import NamedTuple

import torch
from torch import Tensor

from torch_impl._differentiable import Differentiable
from torch_impl._limits import TINY, plus_product
from torch_impl._sides import sides
from torch_impl._stable import sigmoids, softplus


class Miss(NamedTuple):
    """Both sides of a label, the probability of each, and of missing the label."""

    on: Tensor
    off: Tensor
    p: Tensor
    not_p: Tensor
    q: Tensor


def miss(x: Tensor, y: Tensor) -> Miss:
    """Returns what the probability of missing a label is made of; it is never 0."""
    on, off = sides(y)
    p, not_p = sigmoids(x)
    # Where q underflows, so has the loss: the least normal number does as well.
    q = plus_product(on * not_p, off, p).clamp(min=TINY[x.dtype])
    return Miss(on, off, p, not_p, q)


def rise(parts: Miss) -> Tensor:
    """Returns the slope of log q by the logit."""
    on, off, p, not_p, q = parts
    return (off - on) * p * not_p / q


def _log_miss_value(x: Tensor, y: Tensor) -> Tensor:
    on, off = sides(y)
    return torch.logaddexp(on.log() - softplus(x), off.log() - softplus(-x))


def _d_labels(x: Tensor, y: Tensor) -> Tensor:
    _, _, p, not_p, q = miss(x, y)
    return (not_p - p) / q


# log q also where q underflows.
log_miss = Differentiable(_log_miss_value, (lambda x, y: rise(miss(x, y)), _d_labels))
