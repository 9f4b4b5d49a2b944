"""Functions that carry their closed-form derivatives."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor


def differentiable(
    value: Callable[..., Tensor],
    partials: Sequence[Callable[..., Tensor] | None],
    *,
    rowwise: bool = False,
) -> Callable[..., Tensor]:
    """Joins a function with its partial derivatives, one per argument.

    All arguments have the same shape. The function works element by element, or, if
    ``rowwise``, turns each row along the last axis into one number. The partials have
    the shape of the arguments. They are differentiated in turn for second derivatives,
    so they are themselves built from functions that are safe to differentiate. None
    stands for an argument that is a mask.
    """

    class Reverse(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(*args: Tensor) -> Tensor:
            return value(*args)

        @staticmethod
        def setup_context(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:  # noqa: ARG004 - torch passes it
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)
            # A partial nobody asked for may be infinite: never multiply it by 0.
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx: Any, *grad_outputs: Tensor) -> Any:
            (cotangent,), args = grad_outputs, ctx.saved_tensors
            if rowwise and cotangent is not None:
                cotangent = cotangent.unsqueeze(-1)
            return tuple(
                cotangent * partial(*args)
                if partial and needed and cotangent is not None
                else None
                for partial, needed in zip(partials, ctx.needs_input_grad, strict=True)
            )

    # torch.compile counts the parameters of forward to tell it from the old form.
    Reverse.forward.__signature__ = inspect.signature(value)

    class ReverseAndForward(Reverse):
        @staticmethod
        def jvp(ctx: Any, *tangents: Tensor | None) -> Tensor:
            args = ctx.saved_tensors
            terms = [
                partial(*args) * tangent
                for partial, tangent in zip(partials, tangents, strict=True)
                if partial and tangent is not None
            ]
            total = torch.stack(terms).sum(dim=0) if len(terms) > 1 else terms[0]
            return total.sum(dim=-1) if rowwise else total

    def function(*args: Tensor) -> Tensor:
        # torch.compile refuses a Function with a jvp rule.
        rule = Reverse if torch.compiler.is_compiling() else ReverseAndForward
        return rule.apply(*args)

    return function
