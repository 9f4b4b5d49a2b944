"""Gradient-harmonised classification."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from refimpl._validate import REDUCTIONS, check_choice, check_mask, check_pair
from torch_impl import bce
from torch_impl._density import GHMState, harmonise, masked
from torch_impl._inputs import binary_inputs
from torch_impl._reduce import reduce
from torch_impl._sides import sides, tilt


def ghmc_loss(
    logits: Tensor,
    labels: Tensor,
    state: Any = None,
    *,
    bins: int = 10,
    momentum: Any = 0.0,
    debias: bool = True,
    average_over: str = "nonempty",
    sample_mask: Any = None,
    reduce_counts: Callable[[Tensor], Tensor] | None = None,
    reduction: str = "mean",
) -> tuple[Any, GHMState]:
    """Computes :func:`refimpl.ghmc_loss`."""
    check_choice("reduction", reduction, REDUCTIONS)
    check_pair(logits, labels)
    check_mask("sample_mask", sample_mask, tuple(logits.shape))
    x, y, _, _ = binary_inputs(logits, labels)
    x, y = masked(sample_mask, x), masked(sample_mask, y)
    harmony = harmonise(
        _norm,
        (x.detach(), y.detach()),
        state,
        bins=bins,
        momentum=momentum,
        debias=debias,
        average_over=average_over,
        sample_mask=sample_mask,
        reduce_counts=reduce_counts,
    )
    loss = reduce(
        bce.cross_entropy,
        (x, y, None, 0),
        weight=harmony.weight,
        normalizer=harmony.kept,
        reduction=reduction,
    )
    return loss, harmony.state


def _norm(x: Tensor, y: Tensor) -> Tensor:
    # Not sigmoid(x) - y, which would round where a label is hard.
    return tilt(x, *sides(y)).abs_()
