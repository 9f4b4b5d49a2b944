"""Planted faults of losses over classes, in PyTorch."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor

import torch_impl
from conformance.mutants.torch_reduce import reduce

ce, sfl = torch_impl.cross_entropy, torch_impl.softmax_focal_loss


def _only(options: dict[str, Any], *known: str) -> None:
    if not {"reduction", *known}.issuperset(options):
        raise NotImplementedError(f"only {', '.join(known) or 'the plain loss'}")


def ignored_counted(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    total, count = ce(logits, labels, **{**options, "reduction": "parts"})
    if options.get("normalizer") == "count":
        count = torch.ones_like(count) * labels.numel()
    if options["reduction"] == "parts":
        return total, count
    return (
        total / count
        if options["reduction"] == "mean"
        else ce(logits, labels, **options)
    )


def ignored_row_not_dropped(
    logits: Tensor, labels: Tensor, *, ignore_index: int = -100, **options: Any
) -> Any:
    """Masks by a product, which leaves NaN where an ignored row holds one."""
    kept = labels != ignore_index
    loss = ce(logits, labels.where(kept, 0), **{**options, "reduction": "none"})
    return reduce(loss * kept, kept.sum(), options["reduction"])


def negative_label_wraps(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    if not labels.is_floating_point():
        labels = labels.where(labels != -1, logits.shape[-1] - 1)
    return ce(logits, labels, **options)


def smoothing_over_the_others(
    logits: Tensor, labels: Tensor, *, smoothing: str = "off_target", **options: Any
) -> Any:
    return ce(logits, labels, smoothing=smoothing, **options)


def mean_over_examples(
    logits: Tensor, labels: Tensor, *, normalizer: str = "count", **options: Any
) -> Any:
    return ce(logits, labels, normalizer=normalizer, **options)


def smoothed_mass_weighed_by_true_class(
    logits: Tensor, labels: Tensor, *, class_weights: Any = None, **options: Any
) -> Any:
    if labels.is_floating_point() or class_weights is None or logits.ndim != 2:
        return ce(logits, labels, class_weights=class_weights, **options)
    weight = class_weights[labels.clamp(0, logits.shape[-1] - 1)]
    return ce(logits, labels, sample_weight=weight, **options)


def probability_minus_one(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """PyTorch's own: its gradient of the true class is p - 1."""
    _only(options)
    return F.cross_entropy(logits, labels, reduction=options["reduction"])


def normalizer_minus_logit(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    _only(options)
    picked = logits.gather(-1, labels.clamp(min=0)[..., None])[..., 0]
    loss = torch.logsumexp(logits, -1) - picked
    return reduce(loss, labels.numel(), options["reduction"])


def focal_weight_detached(
    logits: Tensor,
    labels: Tensor,
    *,
    gamma: Any = 2.0,
    normalizer: str = "count",
    reduction: str = "mean",
) -> Any:
    loss = sfl(logits, labels, gamma=0.0, reduction="none")
    weight = (-torch.expm1(-loss.detach())) ** gamma
    del normalizer  # the same without weights
    return reduce(weight * loss, labels.numel(), reduction)


def focal_over_weights(
    logits: Tensor, labels: Tensor, *, normalizer: str = "weights", **options: Any
) -> Any:
    return sfl(logits, labels, normalizer=normalizer, **options)


def naive_softmax_power(
    logits: Tensor, labels: Tensor, *, gamma: Any = 2.0, reduction: str = "mean"
) -> Any:
    log_p = F.log_softmax(logits, -1).gather(-1, labels.clamp(min=0)[..., None])
    loss = -((1 - log_p.exp()) ** gamma * log_p)[..., 0]
    return reduce(loss, labels.numel(), reduction)


def only_the_usual_ignored(
    logits: Tensor, labels: Tensor, *, ignore_index: int = -100, **options: Any
) -> Any:
    known = labels.where(labels != ignore_index, 0)
    return sfl(logits, known, **options)


def class_axis_last(
    logits: Tensor, labels: Tensor, *, class_axis: int = -1, **options: Any
) -> Any:
    """Takes the classes from the last axis wherever they are."""
    if class_axis == 0 and logits.ndim == 2 and logits.shape[0] == logits.shape[1]:
        class_axis = -1
    return ce(logits, labels, class_axis=class_axis, **options)


def one_hot_over_examples(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    """PyTorch's own: a mean over probabilities divides by the number of examples."""
    if labels.is_floating_point():
        options["normalizer"] = "count"
    return ce(logits, labels, **options)
