"""Modules that hold the options of a gradient-harmonised loss, and its state."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from refimpl import _validate
from torch_impl._density import GHMState
from torch_impl.ghmc import ghmc_loss
from torch_impl.ghmr import ghmr_loss
from torch_impl.modules._options import Shown, checked_reduction, hold


class _GHMLoss(Shown):
    """The moving average of the bin counts, and the options of both forms."""

    shown: tuple[str, ...] = (
        "bins",
        "momentum",
        "debias",
        "average_over",
        "reduction",
    )
    counts: Tensor
    updates: Tensor

    def __init__(
        self,
        *,
        bins: int = 10,
        momentum: Any = 0.0,
        debias: bool = True,
        average_over: str = "nonempty",
        reduce_counts: Callable[[Tensor], Tensor] | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__()
        _validate.check_density(bins, debias, average_over, reduce_counts)
        _validate.check_number("momentum", momentum, high=1, closed=False)
        hold(self, momentum=momentum)
        self.bins = bins
        self.debias = debias
        self.average_over = average_over
        self.reduce_counts = reduce_counts
        self.reduction = checked_reduction(reduction)
        self.register_buffer("counts", torch.zeros(bins, dtype=torch.float32))
        self.register_buffer("updates", torch.zeros(bins, dtype=torch.int64))

    def reset(self) -> None:
        """Forgets the moving average."""
        self.counts.zero_()
        self.updates.zero_()

    @property
    def options(self) -> dict[str, Any]:
        """What is passed to the function at every call."""
        shared = {name: getattr(self, name) for name in self.shown}
        state = GHMState(self.counts, self.updates)
        return {**shared, "reduce_counts": self.reduce_counts, "state": state}

    def remember(self, state: GHMState) -> None:
        """Keeps the new state of a call in training mode."""
        if self.training:
            self.counts.copy_(state.counts)
            self.updates.copy_(state.updates)

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:  # noqa: FBT001, FBT002 - PyTorch's signature
        counts = self.counts
        super()._apply(fn, recurse)
        if self.counts.dtype.itemsize < 4:
            self.counts = counts.to(self.counts.device)
        return self


class GHMCLoss(_GHMLoss):
    """Holds the options and the state of :func:`refimpl.ghmc_loss`.

    A call in training mode updates the moving average, in place. In evaluation mode a
    call is weighed as the next one in training would be, by the average with this batch
    added to it, but the average stays: evaluating twice gives the same number. Inside
    ``torch.func`` transforms and ``torch.utils.checkpoint``, which must not change
    anything, use the function or ``.eval()``.

    Attributes:
        counts: The moving average, ``(bins,)``, in float32 unless the module is moved
            to float64. Half precision, which cannot count, leaves it as it is.
        updates: How often each bin was updated.
    """

    def forward(
        self, logits: Tensor, labels: Tensor, *, sample_mask: Tensor | None = None
    ) -> Any:
        """Computes the loss; in training mode updates the state."""
        loss, state = ghmc_loss(logits, labels, sample_mask=sample_mask, **self.options)
        self.remember(state)
        return loss


class GHMRLoss(_GHMLoss):
    """Holds the options and the state of :func:`refimpl.ghmr_loss`.

    The state is kept as that of :class:`GHMCLoss`.
    """

    shown = ("mu", *_GHMLoss.shown)

    def __init__(
        self,
        *,
        mu: Any = 0.02,
        bins: int = 10,
        momentum: Any = 0.0,
        debias: bool = True,
        average_over: str = "nonempty",
        reduce_counts: Callable[[Tensor], Tensor] | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(
            bins=bins,
            momentum=momentum,
            debias=debias,
            average_over=average_over,
            reduce_counts=reduce_counts,
            reduction=reduction,
        )
        _validate.check_number("mu", mu, positive=True)
        hold(self, mu=mu)

    def forward(
        self, predictions: Tensor, targets: Tensor, *, sample_mask: Tensor | None = None
    ) -> Any:
        """Computes the loss; in training mode updates the state."""
        loss, state = ghmr_loss(
            predictions, targets, sample_mask=sample_mask, **self.options
        )
        self.remember(state)
        return loss
