"""Functions that carry their closed-form derivatives."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from torch_impl._blocks import cut, fits, mapped
from torch_impl._limits import product
from torch_impl._tracing import seen, transformed, varies

Partial = Callable[..., Tensor]


class Differentiable:
    """A function and its partial derivatives, one per argument.

    Arguments are tensors of one shape; a number or None among them is a constant. The
    function works element by element, or, if ``rowwise``, turns each row along the last
    axis into one number. The partials have the shape of the arguments. They are
    differentiated in turn for second derivatives, so they are themselves built from
    functions that are safe to differentiate. None stands for an argument that is a
    mask. ``joint`` returns the value and the first partial, which have much in common.
    """

    def __init__(
        self,
        value: Partial,
        partials: Sequence[Any],
        *,
        joint: Callable[..., tuple[Tensor, Tensor]] | None = None,
        rowwise: bool = False,
    ) -> None:
        self.value = value
        self.partials = partials
        self.joint = joint or (lambda *args: (value(*args), partials[0](*args)))
        self.rowwise = rowwise
        self._recorded = _recorded(self)
        self._transformable = _transformable(self)
        self._total = _total(self)

    def __call__(self, *args: Any) -> Tensor:
        """Returns the function of each element, or row."""
        if transformed():
            return self._transformable.apply(*args)
        if torch.is_grad_enabled() and any(map(varies, args)):
            return self._recorded.apply(*args)
        return self.mapped(args)

    def total(self, *args: Any, weight: Tensor | None = None) -> Tensor:
        """Returns the sum over all elements, or rows, each times its weight.

        Where only the first argument varies, its gradient is formed in the sweep that
        forms the value, and the way back only scales it.
        """
        if transformed() or (
            torch.is_grad_enabled() and any(map(varies, (weight, *args[1:])))
        ):
            loss = self(*args)
            return (loss if weight is None else product(weight, loss)).sum()
        if torch.is_grad_enabled() and args[0].requires_grad:
            return self._total.apply(weight, *args)
        return _swept(self, args, weight, with_slope=False)[0]

    def mapped(self, args: tuple[Any, ...]) -> Tensor:
        """Returns the function without a record of it."""
        x = args[0]
        like = x[..., 0] if self.rowwise else x
        return mapped(self.value, args, like=like, rowwise=self.rowwise)

    def slopes(self, args: Sequence[Any], needed: Sequence[bool], factor: Any) -> Any:
        """Returns a factor, of one element or row each, times the partials needed."""
        if factor is None:
            return (None,) * len(args)
        return tuple(
            self._scaled(partial, args, factor) if partial and wanted else None
            for partial, wanted in zip(self.partials, needed, strict=True)
        )

    def _scaled(self, partial: Partial, args: Sequence[Any], factor: Tensor) -> Tensor:
        if self.rowwise:
            factor = factor.unsqueeze(-1)
        if torch.is_grad_enabled():
            return factor * partial(*args)
        factor = factor.expand(args[0].shape)
        return mapped(
            lambda *args: args[-1] * partial(*args[:-1]),
            (*args, factor),
            rowwise=self.rowwise,
            like=factor,  # which alone is batched, where gradients are
        )


def _keep(ctx: Any, args: Sequence[Any]) -> None:
    tensors = [arg if isinstance(arg, Tensor) else None for arg in args]
    ctx.save_for_backward(*tensors)
    ctx.save_for_forward(*tensors)
    ctx.constants = [None if isinstance(arg, Tensor) else arg for arg in args]
    # A partial nobody asked for may be infinite: never multiply it by 0.
    ctx.set_materialize_grads(False)


def _kept(ctx: Any) -> list[Any]:
    pairs = zip(ctx.saved_tensors, ctx.constants, strict=True)
    return [constant if tensor is None else tensor for tensor, constant in pairs]


def _recorded(rule: Differentiable) -> Any:
    class Recorded(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Tensor:
            _keep(ctx, args)
            return rule.mapped(args)

        @staticmethod
        def backward(ctx: Any, *cotangents: Tensor | None) -> Any:
            return rule.slopes(_kept(ctx), ctx.needs_input_grad, cotangents[0])

    return Recorded


def _transformable(rule: Differentiable) -> Any:
    class Transformable(torch.autograd.Function):
        @staticmethod
        def forward(*args: Any) -> Tensor:
            return rule.value(*args)

        @staticmethod
        def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
            def batched(arg: Any, dim: int | None) -> Any:
                if not isinstance(arg, Tensor):
                    return arg
                if dim is None:
                    return arg.expand(info.batch_size, *arg.shape)
                return arg.movedim(dim, 0)

            return rule(*map(batched, args, in_dims)), 0

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:  # noqa: ARG004 - torch passes it
            _keep(ctx, inputs)

        @staticmethod
        def backward(ctx: Any, *cotangents: Tensor | None) -> Any:
            return rule.slopes(_kept(ctx), ctx.needs_input_grad, cotangents[0])

        @staticmethod
        def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
            args = _kept(ctx)
            terms = [
                partial(*args) * tangent
                for partial, tangent in zip(rule.partials, tangents, strict=True)
                if partial and tangent is not None
            ]
            total = torch.stack(terms).sum(dim=0) if len(terms) > 1 else terms[0]
            return total.sum(dim=-1) if rule.rowwise else total

    return Transformable


def _total(rule: Differentiable) -> Any:
    class Total(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *args: Any) -> Tensor:
            # Asked here: in a backward pass the answer may be that of autograd itself.
            ctx.compiled = torch.compiler.is_compiling()
            total, slope = _swept(rule, args[1:], args[0], with_slope=True)
            # Eager torch gives the slope itself away, scaled in place.
            ctx.slope = None if ctx.compiled else slope
            _keep(ctx, (slope if ctx.compiled else None, *args))
            return total

        @staticmethod
        def backward(ctx: Any, *cotangents: Tensor | None) -> Any:
            slope, weight, *args = _kept(ctx)
            (cotangent,), none = cotangents, (None,) * (len(args) - 1)
            if cotangent is None:
                return None, None, *none
            if ctx.compiled:  # what torch.compile makes is differentiated only once
                return None, cotangent * slope, *none
            if torch.is_grad_enabled():  # to be differentiated
                slope = _weighed(weight, rule.partials[0](*args), rowwise=rule.rowwise)
                return None, cotangent * slope, *none
            slope, ctx.slope = ctx.slope, None
            if slope is None:  # given away by an earlier pass
                slope = _swept(rule, args, weight, with_slope=True)[1]
            scaled = slope.mul_(cotangent) if seen(cotangent) else cotangent * slope
            return None, scaled, *none

    return Total


def _swept(
    rule: Differentiable, args: Sequence[Any], weight: Any, *, with_slope: bool
) -> tuple[Tensor, Any]:
    """Returns the weighted sum, and its slope by the first argument, if asked for."""

    def piece(weight: Any, args: Sequence[Any]) -> tuple[Tensor, Tensor | None]:
        if not with_slope:
            value, slope = rule.value(*args), None
        else:
            value, slope = rule.joint(*args)
        if weight is not None:
            value = product(weight, value)
            slope = _weighed(weight, slope, rowwise=rule.rowwise)
        return value.sum(), slope

    x = args[0]
    if fits(x):
        return piece(weight, args)
    totals = []
    slope = torch.empty_like(x) if with_slope else None
    for index, (*block, part) in cut((*args, weight), rowwise=rule.rowwise):
        total, found = piece(part, block)
        totals.append(total)
        if slope is not None and found is not None:
            slope[index] = found
    return torch.stack(totals).sum(), slope


def _weighed(weight: Any, slope: Any, *, rowwise: bool) -> Any:
    if weight is None or slope is None:
        return slope
    return (weight.unsqueeze(-1) if rowwise else weight) * slope
