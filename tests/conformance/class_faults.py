"""Planted faults of losses with classes, bins and heat maps, in PyTorch."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor

import torch_impl
from tests.conformance.faults import reduce

ce, ghmc = torch_impl.cross_entropy, torch_impl.ghmc_loss
heatmap, mining = torch_impl.heatmap_focal_loss, torch_impl.hard_example_mining


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


def _ghm(change: Callable[..., Tensor]) -> Callable[..., Any]:
    """Makes a GHM loss that multiplies every element by what ``change`` says."""

    def loss(logits: Tensor, labels: Tensor, **options: Any) -> Any:
        whole = {**options, "reduction": "parts"}
        (_, count), state = ghmc(logits, labels, **whole)
        each, _ = ghmc(logits, labels, **{**options, "reduction": "none"})
        each = each * change(logits, labels, options)
        return reduce(each, count, options["reduction"]), state

    return loss


def _norm(logits: Tensor, labels: Tensor) -> Tensor:
    return (torch.sigmoid(logits) - labels).abs()


def _not_averaged(logits: Tensor, labels: Tensor, options: dict[str, Any]) -> Tensor:
    _only(options)
    counts = ghmc(logits, labels, **options)[1].counts
    return (counts > 0).sum()


open_last_bin = _ghm(lambda x, y, _: (_norm(x, y) < 1).to(x.dtype))
not_averaged_over_bins = _ghm(_not_averaged)
gradient_through_weights = _ghm(lambda x, y, _: 1 + _norm(x, y) - _norm(x, y).detach())


def biased_average(
    logits: Tensor, labels: Tensor, *, debias: bool = True, **options: Any
) -> Any:
    del debias
    return ghmc(logits, labels, debias=False, **options)


def masked_elements_counted(
    logits: Tensor, labels: Tensor, *, sample_mask: Any = None, **options: Any
) -> Any:
    if sample_mask is None or options["reduction"] != "none":
        return ghmc(logits, labels, sample_mask=sample_mask, **options)
    loss, state = ghmc(logits, labels, **options)
    return loss.where(sample_mask, 0), state


def heat_over_elements(
    logits: Tensor, labels: Tensor, *, reduction: str = "mean", **options: Any
) -> Any:
    loss = heatmap(logits, labels, reduction="none", **options)
    return reduce(loss, loss.numel(), reduction)


def clamped_heat(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    # Where the sigmoid is 1e-4 and 1 - 1e-4.
    return heatmap(logits.clamp(-9.21024, 9.21024), labels, **options)


def later_ties_first(losses: Tensor, *, fraction: float = 0.2) -> Any:
    count = len(mining(losses, fraction=fraction)[0])
    order = (
        losses.nan_to_num(torch.inf, torch.inf)
        .flip(0)
        .argsort(descending=True, stable=True)
    )
    indices = len(losses) - 1 - order[:count]
    mask = torch.zeros_like(losses, dtype=torch.bool)
    mask[indices] = True
    return indices, mask


def rounded_down(losses: Tensor, *, fraction: float = 0.2) -> Any:
    count = max(int(fraction * len(losses)), 1)
    indices = mining(losses, fraction=fraction)[0][:count]
    mask = torch.zeros_like(losses, dtype=torch.bool)
    mask[indices] = True
    return indices, mask


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
