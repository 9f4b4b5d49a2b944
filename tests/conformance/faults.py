"""Planted faults and valid rewritings of the losses, in PyTorch."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor

import torch_impl
from torch_impl._inputs import binary_inputs, hyperparameter, in_range
from torch_impl._limits import product
from torch_impl._reduce import along_class_axis

BCE, FOCAL = "binary_cross_entropy_with_logits", "sigmoid_focal_loss"
bce, focal = (getattr(torch_impl, name) for name in (BCE, FOCAL))


def reduce(loss: Tensor, normalizer: Any, reduction: str) -> Any:
    """Reduces in the plainest way, which is right."""
    if reduction == "none":
        return loss
    total, normalizer = loss.sum(), loss.new_ones(()) * normalizer
    if reduction == "parts":
        return total, normalizer
    divisor = torch.where(normalizer == 0, 1, normalizer)
    return total / divisor if reduction == "mean" else total


def _alpha_t(labels: Tensor, alpha: Any) -> Any:
    return 1 if alpha is None else labels * alpha + (1 - labels) * (1 - alpha)


def _weighted(loss: Tensor, sample_weight: Tensor | None, reduction: str) -> Any:
    loss = loss if sample_weight is None else loss * sample_weight
    return reduce(loss, loss.numel(), reduction)


class _ScaledGradient(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, _factor: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        del output
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Any:
        return grad_outputs[0] * ctx.saved_tensors[0], None


def gradient_times_1_01(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    factor = torch.full_like(logits, 1.01)
    return focal(_ScaledGradient.apply(logits, factor), labels, **options)


def gradient_dead_beyond_16(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    alive = (logits.abs() <= 16).to(logits.dtype)
    return focal(_ScaledGradient.apply(logits, alive), labels, **options)


def detached_weight(
    logits: Tensor,
    labels: Tensor,
    *,
    alpha: Any = None,
    gamma: Any = 2.0,
    pos_weight: Any = None,
    sample_weight: Tensor | None = None,
    class_axis: int = -1,
    reduction: str = "mean",
) -> Any:
    y = labels.to(logits.dtype)
    q = y * torch.sigmoid(-logits) + (1 - y) * torch.sigmoid(logits)
    loss = bce(
        logits, y, pos_weight=pos_weight, class_axis=class_axis, reduction="none"
    )
    loss = _alpha_t(y, alpha) * q.detach() ** gamma * loss
    return _weighted(loss, sample_weight, reduction)


def detached_weight_of_scalars(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """Wrong where vmap takes the elements one by one."""
    loss = detached_weight if logits.ndim == 0 else focal
    return loss(logits, labels, **options)


def flat_gradient(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """Right up to the first derivative, whose own derivative is 0."""
    x, y, reduction = logits.detach(), labels.detach(), options.pop("reduction")
    slope = (1 - y) * torch.sigmoid(x) - y * torch.sigmoid(-x)
    loss = bce(x, labels, reduction="none", **options) + slope * (logits - x)
    return reduce(loss, loss.numel(), reduction)


class _SteepForward(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Keeps nothing."""

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> Any:
        del ctx
        return grad_outputs[0]

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Tensor) -> Any:
        del ctx
        return 1.01 * grad_inputs[0]


def steep_forward_mode(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    return focal(_SteepForward.apply(logits), labels, **options)


def lowered_by_autocast(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """A product of matrices, which autocast takes in half precision."""
    loss = focal(logits, labels, **options)
    return (loss[..., None] @ loss.new_ones(1, 1))[..., 0]


def swapped_alpha(
    logits: Tensor, labels: Tensor, *, alpha: Any = None, **options: Any
) -> Any:
    alpha = None if alpha is None else 1 - alpha
    return focal(logits, labels, alpha=alpha, **options)


def gamma_off_by_1e_6(
    logits: Tensor, labels: Tensor, *, gamma: Any = 2.0, **options: Any
) -> Any:
    return focal(logits, labels, gamma=gamma + 1e-6, **options)


def mean_over_positives(
    logits: Tensor, labels: Tensor, *, reduction: str = "mean", **options: Any
) -> Any:
    if reduction != "mean":
        return focal(logits, labels, reduction=reduction, **options)
    total = focal(logits, labels, reduction="sum", **options)
    return total / labels.sum().clamp(min=1)


def sum_by_default(
    logits: Tensor, labels: Tensor, *, reduction: str = "sum", **options: Any
) -> Any:
    return focal(logits, labels, reduction=reduction, **options)


def _from_cross_entropy(positive_and_negative: Callable[[Tensor], Any]) -> Callable:
    """Makes a BCE from its two terms as functions of the logits."""

    def loss(
        logits: Tensor,
        labels: Tensor,
        *,
        pos_weight: Any = None,
        sample_weight: Tensor | None = None,
        label_smoothing: Any = 0.0,
        class_axis: int = -1,
        reduction: str = "mean",
    ) -> Any:
        s, y = label_smoothing, labels.to(logits.dtype)
        w = 1 if pos_weight is None else pos_weight
        if isinstance(w, Tensor):
            w = along_class_axis(w, logits.ndim, class_axis)
        on, off = y * (1 - s) + s / 2, (1 - y) * (1 - s) + s / 2
        positive, negative = positive_and_negative(logits)
        loss = w * on * positive + off * negative
        return _weighted(loss, sample_weight, reduction)

    return loss


def _clipped_terms(x: Tensor) -> tuple[Tensor, Tensor]:
    p = torch.sigmoid(x).clamp(1e-7, 1 - 1e-7)
    return -torch.log(p), -torch.log1p(-p)


def _textbook_terms(x: Tensor) -> tuple[Tensor, Tensor]:
    negative = x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))
    return negative - x, negative


def cancelling_gradient(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """PyTorch's own: its gradient is sigmoid(x) - y."""
    if not {"sample_weight", "reduction", "class_axis"}.issuperset(options):
        raise NotImplementedError("only the plain loss")
    loss = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    weight, reduction = options.get("sample_weight"), options["reduction"]
    return _weighted(loss, weight, reduction)


def smoothing_without_halving(
    logits: Tensor, labels: Tensor, *, label_smoothing: Any = 0.0, **options: Any
) -> Any:
    y = labels * (1 - label_smoothing) + (1 - labels) * label_smoothing
    return bce(logits, y, **options)


def detached_smoothing(
    logits: Tensor, labels: Tensor, *, label_smoothing: Any = 0.0, **options: Any
) -> Any:
    if isinstance(label_smoothing, Tensor):
        label_smoothing = label_smoothing.detach()
    return bce(logits, labels, label_smoothing=label_smoothing, **options)


def ignored_class_axis(
    logits: Tensor, labels: Tensor, *, class_axis: int = -1, **options: Any
) -> Any:
    del class_axis
    return bce(logits, labels, **options)


def clipped_labels(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    return bce(logits, labels.clamp(0, 1), **options)


def narrow_result(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    return bce(logits, labels, **options).to(logits.dtype)


clip_1e_7 = _from_cross_entropy(_clipped_terms)
softplus_threshold_20 = _from_cross_entropy(lambda x: (F.softplus(-x), F.softplus(x)))
kink_at_zero = _from_cross_entropy(_textbook_terms)


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
