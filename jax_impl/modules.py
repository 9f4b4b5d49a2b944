"""The losses with a state as Flax NNX modules; all others are functions.

Not imported by ``jax_impl`` itself, which works without Flax::

    from jax_impl.modules import GHMCLoss
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from jax_impl._density import GHMState
from jax_impl.ghmc import ghmc_loss
from jax_impl.ghmr import ghmr_loss
from refimpl import _validate


class LossState(nnx.Variable):
    """What a loss remembers; a filter for ``nnx.split`` and ``nnx.state``."""


class _GHMLoss(nnx.Module):
    """The moving average of the bin counts, and the options of both forms."""

    def __init__(
        self,
        *,
        bins: int = 10,
        momentum: float = 0.0,
        debias: bool = True,
        average_over: str = "nonempty",
        reduce_counts: Callable[[jax.Array], jax.Array] | None = None,
        reduction: str = "mean",
    ) -> None:
        _validate.check_density(bins, debias, average_over, reduce_counts)
        _validate.check_number("momentum", momentum, high=1, closed=False)
        _validate.check_choice("reduction", reduction, _validate.REDUCTIONS)
        self.bins = bins
        self.momentum = momentum
        self.debias = debias
        self.average_over = average_over
        self.reduce_counts = reduce_counts
        self.reduction = reduction
        self.use_running_average = False
        self.counts = LossState(jnp.zeros(bins))
        self.updates = LossState(jnp.zeros(bins, jnp.int32))

    def reset(self) -> None:
        """Forgets the moving average."""
        self.counts[...] = jnp.zeros_like(self.counts[...])
        self.updates[...] = jnp.zeros_like(self.updates[...])

    def options(self) -> dict[str, Any]:
        """What is passed to the function at every call."""
        return {
            "state": GHMState(self.counts[...], self.updates[...]),
            "bins": self.bins,
            "momentum": self.momentum,
            "debias": self.debias,
            "average_over": self.average_over,
            "reduce_counts": self.reduce_counts,
            "reduction": self.reduction,
        }

    def remember(self, state: GHMState) -> None:
        """Keeps the new state of a call in training mode."""
        if not self.use_running_average:
            # A loop under jit needs the state in the dtype that it came in.
            self.counts[...] = state.counts.astype(self.counts[...].dtype)
            self.updates[...] = state.updates.astype(self.updates[...].dtype)


class GHMCLoss(_GHMLoss):
    """Holds the options and the state of :func:`refimpl.ghmc_loss`.

    A call in training mode updates the moving average. After ``.eval()``, which sets
    ``use_running_average``, a call is weighed as the next one in training would be, by
    the average with this batch added to it, but the average stays: evaluating twice
    gives the same number. In training mode it takes ``nnx.jit`` and ``nnx.grad``; under
    ``jax.grad`` use the function.

    Attributes:
        counts: The moving average, ``(bins,)``, in the widest dtype of JAX's setting.
        updates: How often each bin was updated.
        use_running_average: Whether calls leave the average as it is.
    """

    def __call__(self, logits: Any, labels: Any, *, sample_mask: Any = None) -> Any:
        """Computes the loss; in training mode updates the state."""
        loss, state = ghmc_loss(
            logits, labels, sample_mask=sample_mask, **self.options()
        )
        self.remember(state)
        return loss


class GHMRLoss(_GHMLoss):
    """Holds the options and the state of :func:`refimpl.ghmr_loss`.

    The state is kept as that of :class:`GHMCLoss`.
    """

    def __init__(
        self,
        *,
        mu: float = 0.02,
        bins: int = 10,
        momentum: float = 0.0,
        debias: bool = True,
        average_over: str = "nonempty",
        reduce_counts: Callable[[jax.Array], jax.Array] | None = None,
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
        self.mu = mu

    def options(self) -> dict[str, Any]:
        """What is passed to the function at every call."""
        return {**super().options(), "mu": self.mu}

    def __call__(
        self, predictions: Any, targets: Any, *, sample_mask: Any = None
    ) -> Any:
        """Computes the loss; in training mode updates the state."""
        loss, state = ghmr_loss(
            predictions, targets, sample_mask=sample_mask, **self.options()
        )
        self.remember(state)
        return loss


__all__ = ["GHMCLoss", "GHMRLoss", "LossState"]
