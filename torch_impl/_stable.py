"""Elementary functions without overflow or cancellation; see ``refimpl._stable``."""

import math

import torch
from torch import Tensor

from torch_impl._differentiable import Differentiable

_LOG2_E = 1 / math.log(2)


def sigmoids(v: Tensor) -> tuple[Tensor, Tensor]:
    """Returns sigmoid(v) and sigmoid(-v)."""
    if torch.is_grad_enabled():
        return sigmoid(v), sigmoid(-v)
    if not torch.compiler.is_compiling():
        return torch.sigmoid(v), torch.sigmoid(-v)
    # One exponential for all: it is the one of softplus_rest.
    z = torch.exp(-v.abs())
    near = 1 / (1 + z)
    return torch.where(v >= 0, near, z * near), torch.where(v >= 0, z * near, near)


def exp(v: Tensor) -> Tensor:
    """Returns the exponential of v <= 0, where no derivative is asked for."""
    # MKL's exp is slow on processors of other makers.
    return torch.exp(v) if torch.compiler.is_compiling() else (v * _LOG2_E).exp2_()


def softplus_rest(v: Tensor) -> Tensor:
    """Returns softplus(v) - max(v, 0), which is log1p(exp(-abs(v)))."""
    if not torch.compiler.is_compiling():
        return exp(-v.abs()).log1p_()
    # Compiled for a CPU, log1p is slow. Kahan's form: what rounding took away from
    # 1 + z is put back to first order, which is all there is.
    z = torch.exp(-v.abs())
    u = 1 + z
    return torch.log(u) - ((u - 1) - z) * (1 / u)


def _softplus(v: Tensor) -> Tensor:
    return v.clamp(min=0) + softplus_rest(v)


def _softplus_ratio(v: Tensor) -> Tensor:
    # Where sigmoid(v) underflows, z / z must still be 1: no subnormal z.
    z = torch.exp(-v.abs()).clamp(min=1e-30)
    return torch.where(v >= 0, _softplus(v), torch.log1p(z) / z) * (1 + z)


sigmoid = Differentiable(torch.sigmoid, (lambda v: sigmoid(v) * sigmoid(-v),))
softplus = Differentiable(_softplus, (lambda v: sigmoid(v),))
softplus_ratio = Differentiable(
    _softplus_ratio, (lambda v: 1 - sigmoid(-v) * softplus_ratio(v),)
)


def one_minus_exp(b: Tensor) -> Tensor:
    """Returns 1 - exp(-b) without cancellation, b >= 0."""
    # Compiled for a CPU, torch 2.13 computes expm1(v) as exp(v) - 1. Kahan's form: the
    # rounding errors of 1 - u and log(u) cancel in their quotient.
    near = b.clamp(max=1)
    u = torch.exp(-near)
    corrected = (1 - u) * near / torch.where(u == 1, 1, -torch.log(u))
    return torch.where(b > 1, 1 - torch.exp(-b), torch.where(u == 1, b, corrected))
