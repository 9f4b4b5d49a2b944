"""Planted faults of losses with bins, of heat maps and of mining, in PyTorch."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import torch_impl
from conformance.mutants.torch_reduce import reduce

ghmc, ghmr = torch_impl.ghmc_loss, torch_impl.ghmr_loss
heatmap, mining = torch_impl.heatmap_focal_loss, torch_impl.hard_example_mining


def _only(options: dict[str, Any], *known: str) -> None:
    if not {"reduction", *known}.issuperset(options):
        raise NotImplementedError(f"only {', '.join(known) or 'the plain loss'}")


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


def bins_for_filled_bins(
    logits: Tensor, labels: Tensor, *, average_over: str = "nonempty", **options: Any
) -> Any:
    del average_over
    return ghmc(logits, labels, **options)


def mask_of_peaks_ignored(
    logits: Tensor, labels: Tensor, *, pos_mask: Any = None, **options: Any
) -> Any:
    del pos_mask
    return heatmap(logits, labels, **options)


def nothing_by_nothing(
    logits: Tensor, labels: Tensor, *, reduction: str = "mean", **options: Any
) -> Any:
    """Divides by the number of peaks, also by none."""
    if reduction != "mean":
        return heatmap(logits, labels, reduction=reduction, **options)
    total, peaks = heatmap(logits, labels, reduction="parts", **options)
    return total / peaks


def heights_detached(logits: Tensor, labels: Tensor, **options: Any) -> Any:
    return heatmap(logits, labels.detach() + 0 * labels, **options)


def cancelling_root(
    predictions: Tensor, targets: Tensor, *, mu: Any = 0.02, **options: Any
) -> Any:
    _only(options)
    each, state = ghmr(predictions, targets, mu=mu, reduction="none")
    d = predictions - targets
    smooth = (d * d + mu * mu).sqrt()
    weight = (each / (d * d / (smooth + mu))).nan_to_num(0).detach()
    return reduce(weight * (smooth - mu), d.numel(), options["reduction"]), state


def distance_for_norm(
    predictions: Tensor, targets: Tensor, *, mu: Any = 0.02, **options: Any
) -> Any:
    """Bins the distances themselves."""
    _only(options)
    d = predictions - targets
    smooth = (d * d + mu * mu).sqrt()
    index = (d.abs() * 10).floor().clamp(max=9).long()
    counts = torch.bincount(index.flatten(), minlength=10).to(d.dtype)
    weight = d.numel() / counts[index] / (counts > 0).sum()
    loss = weight * d * d / (smooth + mu)
    state = torch_impl.GHMState(counts, (counts > 0).to(torch.int64))
    return reduce(loss, d.numel(), options["reduction"]), state


def target_moves_along(predictions: Tensor, targets: Tensor, **options: Any) -> Any:
    """The gradient of the target has the sign of that of the prediction."""
    turned = targets.detach() - (targets - targets.detach())
    return ghmr(predictions, turned, **options)


def nan_last(losses: Tensor, *, fraction: float = 0.2) -> Any:
    return mining(
        losses.nan_to_num(-torch.inf, torch.inf, -torch.inf), fraction=fraction
    )
