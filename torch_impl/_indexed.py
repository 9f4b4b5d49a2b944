"""Cross-entropy of class indices, without a row of probabilities for each."""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from torch_impl._inputs import blank, ends, share
from torch_impl._limits import product, replace_nan_
from torch_impl._stable import exp


class Targets(NamedTuple):
    """The probability that label smoothing gives to the label and to any other."""

    own: Any
    other: Any


def targets(smoothing: Any, classes: int, kind: str) -> Targets:
    """Returns what becomes of a class index."""
    if kind == "uniform":
        return Targets(1 - smoothing + smoothing / classes, smoothing / classes)
    return Targets(1 - smoothing, smoothing / max(classes - 1, 1))


class _Rows(NamedTuple):
    """What rows of logits are made of; a number of each row is a column.

    Attributes:
        distance: Of each logit from the largest, <= 0.
        power: exp of it.
        rest: Sum of the powers of all but the largest.
        label: Index of the class, 0 where there is none.
        far: Distance of the label's logit.
        kept: 1, or 0 where a row is ignored, or NaN where its index is bad; None if
            all are known to count.
        own: Weight of the label.
        but_own: Sum of the weights of all other classes.
    """

    distance: Tensor
    power: Tensor
    rest: Tensor
    label: Tensor
    far: Tensor
    kept: Tensor | None
    own: Any
    but_own: Any


def _rows(x: Tensor, index: Tensor, w: Any, but: Any) -> _Rows:
    label, kept = index.unsqueeze(-1), None
    found = ends(index)
    if found is None or found[0] < 0:
        kept, label = share(label, like=x), label.clamp(min=0)
    own = 1.0 if w is None else w.gather(-1, label)
    but_own = x.shape[-1] - 1 if but is None else but.gather(-1, label)
    largest = x.amax(-1, keepdim=True)
    distance, far = x - largest, x.gather(-1, label) - largest
    found = ends(largest)
    finite = found is not None and all(map(math.isfinite, found))
    if not finite:
        # An infinite logit is at no distance from itself.
        distance, far = replace_nan_(distance), replace_nan_(far)
    power = exp(distance)
    below = torch.threshold(-power, -1.0, 0.0).sum(-1, keepdim=True)
    # Only the largest have the power 1, and how many they are is a whole number.
    ties = (power.sum(-1, keepdim=True) + below).round_() - 1
    rest = ties - below
    if not finite:
        # Between equal infinite logits there is no limit.
        undefined = largest.isnan() | (largest.isinf() & (ties > 0))
        rest = torch.where(undefined, torch.nan, rest)
    return _Rows(distance, power, rest, label, far, kept, own, but_own)


def _loss(rows: _Rows, w: Any, t: Targets) -> Tensor:
    of_rest = torch.log1p(rows.rest)
    loss = of_rest - rows.far
    loss = product(t.own * rows.own, loss) if w is not None else t.own * loss
    if t.other != 0:
        lost = rows.distance
        if w is not None:
            # What weighs nothing loses nothing, at an infinite distance too.
            lost = replace_nan_(lost * w)
        lost = _put_label_(lost, rows.label, torch.zeros_like(of_rest))
        loss = loss + t.other * (of_rest * rows.but_own - lost.sum(-1, keepdim=True))
    if rows.kept is not None:
        loss = torch.where(rows.kept == 0, 0, loss * rows.kept)
    return loss.squeeze(-1)


def _slope(rows: _Rows, w: Any, but: Any, t: Targets) -> Tensor:
    scale = 1 / (1 + rows.rest)
    scale = scale if rows.kept is None else scale * rows.kept
    here = exp(rows.far)
    label = t.own * rows.own * (rows.rest + (1 - here))
    main = (t.own - t.other) * rows.own
    if t.other == 0:
        slope = rows.power * (main * scale)
    else:
        label = label - t.other * rows.but_own * here
        # p times the weight of the other classes, minus 1 - p times the own weight.
        if w is None:
            others = main + t.other * rows.but_own
        else:
            others = torch.add(main, but, alpha=t.other)
        not_here = (1 - rows.power).add_(rows.rest)
        not_here = not_here if w is None else not_here.mul_(w)
        slope = (rows.power * others).sub_(not_here, alpha=t.other).mul_(scale)
    slope = _put_label_(slope, rows.label, -label * scale)
    return slope if rows.kept is None else blank(slope, rows.kept == 0)


def _put_label_(a: Tensor, label: Tensor, column: Tensor) -> Tensor:
    """Replaces one number of each row, in place."""
    if torch.compiler.is_compiling():
        classes = torch.arange(a.shape[-1], device=a.device)
        return torch.where(classes == label, column, a)
    return a.scatter_(-1, label, column)


def value(x: Tensor, index: Tensor, w: Any, but: Any, t: Targets) -> Tensor:
    """Returns the loss of each row; ``but`` is what all classes but one weigh."""
    return _loss(_rows(x, index, w, but), w, t)


def joint(
    x: Tensor, index: Tensor, w: Any, but: Any, t: Targets
) -> tuple[Tensor, Tensor]:
    """Returns the loss of each row and its slope by the logits."""
    rows = _rows(x, index, w, but)
    return _loss(rows, w, t), _slope(rows, w, but, t)
