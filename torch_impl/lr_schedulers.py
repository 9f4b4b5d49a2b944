"""Factors of the learning rate as ``torch.optim.lr_scheduler`` knows them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from torch_impl.schedules import curriculum_factor, warmup_factor


class _FactorLR(LRScheduler, ABC):
    """Multiplies the rates by a factor of the epoch.

    Each step multiplies by the quotient of two factors, as torch's own schedulers do,
    so that several of them chain. After a factor of 0 there is nothing left to
    multiply: the next rates are the base rates times the factor, and what the others
    of a chain made of them before is lost.
    """

    @abstractmethod
    def factor(self, epoch: int) -> float:
        """Returns the factor of an epoch."""

    def get_lr(self) -> list[Any]:
        now = before = self.factor(self.last_epoch)
        if self.last_epoch == 0:
            before = 1.0
        elif not self._is_initial:  # else the rates are those of this epoch already
            before = self.factor(self.last_epoch - 1)
        if before == 0:
            return self._get_closed_form_lr()
        return [group["lr"] * (now / before) for group in self.optimizer.param_groups]

    def _get_closed_form_lr(self) -> list[Any]:
        now = self.factor(self.last_epoch)
        return [base * now for base in self.base_lrs]


class WarmupLR(_FactorLR):
    """Multiplies the learning rates by :func:`torch_impl.schedules.warmup_factor`.

    Unlike torch's ``LinearLR`` it may start at 0; then it goes first in a chain.

    Args:
        optimizer: Whose learning rates to set.
        steps: As there; a step is a call of ``step()``.
        first: As there.
        last_epoch: Index of the last epoch to resume from, -1 to start.
    """

    def __init__(
        self, optimizer: Optimizer, *, steps: Any, first: Any, last_epoch: int = -1
    ) -> None:
        self.steps, self.first = steps, first
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """Returns the factor of an epoch."""
        return float(warmup_factor(epoch, steps=self.steps, first=self.first))


class CurriculumLR(_FactorLR):
    """Multiplies the learning rates by :func:`torch_impl.schedules.curriculum_factor`.

    Args:
        optimizer: Whose learning rates to set.
        boundaries: As there; a step is a call of ``step()``.
        factors: As there.
        last_epoch: As in :class:`WarmupLR`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        *,
        boundaries: Sequence[Any],
        factors: Sequence[Any],
        last_epoch: int = -1,
    ) -> None:
        self.boundaries, self.factors = boundaries, factors
        super().__init__(optimizer, last_epoch)

    def factor(self, epoch: int) -> float:
        """Returns the factor of an epoch."""
        value = curriculum_factor(
            epoch, boundaries=self.boundaries, factors=self.factors
        )
        return float(value)
