"""What a user of PyTorch would write or import instead, in our own words.

Each takes logits, labels and the further arrays of the problem.
"""

import torch
import torch.nn.functional as F  # noqa: N812 - the field's name for it
from torch import Tensor

from conformance.bench.problems import (
    ALPHA,
    BINS,
    GAMMA,
    MOMENTUM,
    SMOOTHING,
    WIDTH,
)
from conformance.peers.torchvision_formula import sigmoid_focal_loss


def bce(x: Tensor, y: Tensor, pos_weight: Tensor) -> Tensor:
    """PyTorch's own."""
    return F.binary_cross_entropy_with_logits(x, y, pos_weight=pos_weight)


def focal(x: Tensor, y: Tensor) -> Tensor:
    """What ``torchvision.ops.sigmoid_focal_loss`` computes."""
    return sigmoid_focal_loss(x, y, alpha=ALPHA, gamma=GAMMA, reduction="mean")


def cross_entropy(x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """PyTorch's own."""
    return F.cross_entropy(x, y, weights, label_smoothing=SMOOTHING)


def softmax_focal(x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """The usual lines around ``log_softmax``."""
    log_p = F.log_softmax(x, dim=-1)
    log_pt = log_p.gather(-1, y[:, None])[:, 0]
    focus = (1 - log_pt.exp()) ** GAMMA
    return (focus * F.nll_loss(log_p, y, weights, reduction="none")).mean()


def heatmap(x: Tensor, heat: Tensor) -> Tensor:
    """The usual lines: clamped probabilities, two masks."""
    p = torch.sigmoid(x).clamp(1e-4, 1 - 1e-4)
    peak = heat.eq(1).to(x.dtype)
    on = torch.log(p) * (1 - p) ** 2 * peak
    off = torch.log(1 - p) * p**2 * (1 - heat) ** 4 * (1 - peak)
    return -(on.sum() + off.sum()) / peak.sum().clamp(min=1)


def _loop_weights(norm: Tensor, counts: Tensor) -> Tensor:
    """Weighs elements bin by bin, as mmdetection's GHM losses do.

    Every bin makes two comparisons, a count that the host waits for, and a masked
    write. The average goes into a copy, so that each call begins alike; the mask of
    valid elements is left out, which only makes it faster.
    """
    edges = torch.arange(BINS + 1, device=norm.device).float() / BINS
    edges[-1] += 1e-6
    average = counts.clone()
    weights = torch.zeros_like(norm)
    filled = 0
    for i in range(BINS):
        inside = (norm >= edges[i]) & (norm < edges[i + 1])
        number = inside.sum().item()
        if number > 0:
            average[i] = MOMENTUM * average[i] + (1 - MOMENTUM) * number
            weights[inside] = (norm.numel() / average[i]).to(norm.dtype)
            filled += 1
    return weights / max(filled, 1)


def ghmc(x: Tensor, y: Tensor, counts: Tensor, _updates: Tensor) -> Tensor:
    """The loop of mmdetection over bins around PyTorch's weighted BCE."""
    weights = _loop_weights((x.sigmoid().detach() - y).abs(), counts)
    total = F.binary_cross_entropy_with_logits(x, y, weights, reduction="sum")
    return total / x.numel()


def ghmr(x: Tensor, y: Tensor, counts: Tensor, _updates: Tensor) -> Tensor:
    """The loop of mmdetection over bins around the smooth absolute difference."""
    d = x - y
    size = torch.sqrt(d * d + WIDTH * WIDTH)
    weights = _loop_weights((d / size).abs().detach(), counts)
    return ((size - WIDTH) * weights).sum() / x.numel()
