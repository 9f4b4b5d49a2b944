"""Planted faults of losses on independent logits, in PyTorch."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor

import torch_impl
from conformance.mutants.torch_reduce import reduce
from torch_impl._reduce import along_class_axis

bce, focal = torch_impl.binary_cross_entropy_with_logits, torch_impl.sigmoid_focal_loss


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
zero_times_infinity = _from_cross_entropy(
    lambda x: (-F.logsigmoid(x), -F.logsigmoid(-x))
)


def naive_power(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """Differentiated through (1 - p_t) ** gamma, as most do."""
    if not {"alpha", "gamma", "sample_weight", "reduction"}.issuperset(options):
        raise NotImplementedError("only alpha and gamma")
    y = labels.to(logits.dtype)
    p = torch.sigmoid(logits)
    pt = y * p + (1 - y) * (1 - p)
    gamma, weight = options.get("gamma", 2.0), options.get("sample_weight")
    loss = (1 - pt) ** gamma * bce(logits, y, reduction="none")
    loss = _alpha_t(y, options.get("alpha")) * loss
    return _weighted(loss, weight, options["reduction"])


def product_of_soft_labels(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """Two losses of hard labels, mixed by the soft one."""
    options, reduction = {**options, "reduction": "none"}, options["reduction"]
    weight = options.pop("sample_weight", None)
    y = labels.to(logits.dtype)
    on = focal(logits, torch.ones_like(logits), **options)
    off = focal(logits, torch.zeros_like(logits), **options)
    return _weighted(y * on + (1 - y) * off, weight, reduction)


def gamma_1_5_by_default(
    logits: Tensor, labels: Tensor, *, gamma: Any = 1.5, **options: Any
) -> Any:
    return focal(logits, labels, gamma=gamma, **options)


def scalar_broadcasting(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    return bce(*torch.broadcast_tensors(logits, labels), **options)


def changed_in_place(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    loss = focal(logits * 1, labels, **options)
    # Behind the back of autograd, which would notice.
    logits.data.clamp_(-4, 4)
    return loss


def computed_in_half(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """The loss itself is rounded to the dtype of the logits."""
    loss = focal(logits, labels, **options)
    return loss.to(logits.dtype).to(loss.dtype)


def float64_in_float32(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    wide = logits.dtype
    return bce(logits.float(), labels, **options).to(wide)


_calls = [0]


def restless(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """Every call has other last bits."""
    _calls[0] += 1
    return bce(logits, labels, **options) * (1 + 2.0**-22 * (_calls[0] % 3))
