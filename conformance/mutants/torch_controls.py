"""Valid rewritings of the losses in PyTorch: other algebra, width and order."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import torch_impl
from conformance.mutants.torch_reduce import reduce
from torch_impl._inputs import binary_inputs, hyperparameter, in_range
from torch_impl._limits import product

ce, heatmap = torch_impl.cross_entropy, torch_impl.heatmap_focal_loss


def wider_internals(function: Callable[..., Any]) -> Callable[..., Any]:
    """Valid: computes in float64 and rounds once at the end."""

    def loss(first: Tensor, second: Tensor, **options: Any) -> Any:
        narrow = torch.float64 if first.dtype == torch.float64 else torch.float32
        (first, second), options = _cast(((first, second), options), torch.float64)
        return _cast(function(first, second, **options), narrow)

    return loss


def _cast(value: Any, dtype: torch.dtype) -> Any:
    """Casts every floating tensor in a structure."""
    if isinstance(value, Tensor):
        return value.to(dtype) if value.is_floating_point() else value
    if isinstance(value, tuple):
        return tuple(_cast(item, dtype) for item in value)
    if isinstance(value, dict):
        return {key: _cast(item, dtype) for key, item in value.items()}
    return value


class _ExponentialForm(torch.autograd.Function):
    """Valid: logaddexp for the value, exp(-softplus) for the gradient."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, on: Tensor, off: Tensor) -> Tensor:
        zero = torch.zeros_like(x)
        positive, negative = torch.logaddexp(zero, -x), torch.logaddexp(zero, x)
        first = torch.where(on == 0, 0, on * positive)
        return first + torch.where(off == 0, 0, off * negative)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        del output
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Any:
        (g,), (x, on, off) = grad_outputs, ctx.saved_tensors
        zero = torch.zeros_like(x)
        positive, negative = torch.logaddexp(zero, -x), torch.logaddexp(zero, x)
        slope = off * torch.exp(-positive) - on * torch.exp(-negative)
        return g * slope, g * positive, g * negative


def exponential_form(
    logits: Tensor,
    labels: Tensor,
    *,
    pos_weight: Any = None,
    sample_weight: Tensor | None = None,
    label_smoothing: Any = 0.0,
    class_axis: int = -1,
    reduction: str = "mean",
) -> Any:
    x, _, w, v = binary_inputs(
        logits,
        labels,
        pos_weight=pos_weight,
        sample_weight=sample_weight,
        class_axis=class_axis,
    )
    y, w = in_range("labels", labels, like=x, high=1), 1 if w is None else w
    s = hyperparameter("label_smoothing", label_smoothing, like=x, high=1, closed=False)
    on, off = w * (y * (1 - s) + s / 2), (1 - y) * (1 - s) + s / 2
    loss = _ExponentialForm.apply(x, on, off)
    return reduce(loss if v is None else product(v, loss), x.numel(), reduction)


def permuted_classes(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """Valid: the classes in another order."""
    weights, axis = options.get("class_weights"), options.get("class_axis", -1)
    if labels.is_floating_point():
        labels = labels.flip(axis)
    else:
        last = logits.shape[axis] - 1
        turned = (labels >= 0) & (labels <= last)
        turned &= labels != options.get("ignore_index", -100)
        own = options.get("ignore_index", -100)
        if 0 <= own <= last:
            options["ignore_index"] = last - own
            turned |= labels == own
        labels = torch.where(turned, last - labels, labels)
    if weights is not None:
        options["class_weights"] = weights.flip(0)
    return ce(logits.flip(axis), labels, **options)


def scattered_heat(
    logits: Tensor, labels: Tensor, *, pos_mask: Any = None, **options: Any
) -> Any:
    """Valid: the elements in another order."""
    places = torch.arange(logits.numel() - 1, -1, -1)
    parts = (logits, labels, (labels == 1) if pos_mask is None else pos_mask)
    x, h, peaks = (part.reshape(-1)[places] for part in parts)
    loss = heatmap(x, h, pos_mask=peaks, **options)
    whole = options.get("reduction", "mean") != "none"
    return loss if whole else loss[places].reshape(logits.shape)


def summed_backwards(
    logits: Tensor, labels: Tensor, *, reduction: str = "mean", **options: Any
) -> Any:
    """The terms are added from the last to the first."""
    if reduction == "none":
        return torch_impl.sigmoid_focal_loss(
            logits, labels, reduction="none", **options
        )
    loss = torch_impl.sigmoid_focal_loss(logits, labels, reduction="none", **options)
    return reduce(loss.flatten().flip(0), loss.numel(), reduction)


wide_bce = wider_internals(torch_impl.binary_cross_entropy_with_logits)
wide_focal = wider_internals(torch_impl.sigmoid_focal_loss)
wide_cross_entropy = wider_internals(torch_impl.cross_entropy)
wide_ghmc = wider_internals(torch_impl.ghmc_loss)
