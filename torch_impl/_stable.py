"""Elementary functions without overflow or cancellation; see ``refimpl._stable``."""

import torch
from torch import Tensor

from torch_impl._differentiable import differentiable


def _softplus(v: Tensor) -> Tensor:
    return v.clamp(min=0) + torch.log1p(torch.exp(-v.abs()))


def _sigmoid(v: Tensor) -> Tensor:
    z = torch.exp(-v.abs())
    return torch.where(v >= 0, 1, z) / (1 + z)


def _softplus_ratio(v: Tensor) -> Tensor:
    # Where sigmoid(v) underflows, z / z must still be 1: no subnormal z.
    z = torch.exp(-v.abs()).clamp(min=1e-30)
    return torch.where(v >= 0, _softplus(v), torch.log1p(z) / z) * (1 + z)


sigmoid = differentiable(_sigmoid, (lambda v: sigmoid(v) * sigmoid(-v),))
softplus = differentiable(_softplus, (lambda v: sigmoid(v),))
softplus_ratio = differentiable(
    _softplus_ratio, (lambda v: 1 - sigmoid(-v) * softplus_ratio(v),)
)


def product(a: Tensor, b: Tensor) -> Tensor:
    """Returns a * b with 0 * inf = 0: a term that is off stays off at the limit."""
    return a * torch.where((a == 0) & torch.isinf(b), 0, b)
