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


def one_minus_exp(b: Tensor) -> Tensor:
    """Returns 1 - exp(-b) without cancellation, b >= 0."""
    # Compiled for a CPU, torch 2.13 computes expm1(v) as exp(v) - 1. Kahan's form: the
    # rounding errors of 1 - u and log(u) cancel in their quotient.
    near = b.clamp(max=1)
    u = torch.exp(-near)
    corrected = (1 - u) * near / torch.where(u == 1, 1, -torch.log(u))
    return torch.where(b > 1, 1 - torch.exp(-b), torch.where(u == 1, b, corrected))
