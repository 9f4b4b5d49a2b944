"""Samplers for ``torch.utils.data.DataLoader``; the indices are drawn in NumPy."""

from collections.abc import Iterator
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch.utils.data import Sampler

from refimpl import _validate
from refimpl.sampling import class_balanced_batches, weighted_indices

T_co = TypeVar("T_co", covariant=True)


class _Draw(Protocol):
    def __call__(self, *, epoch: int) -> NDArray[np.int64]: ...


class _EpochSampler(Sampler[T_co]):
    """Holds the indices of one epoch; starts with epoch 0."""

    def __init__(self, draw: _Draw) -> None:
        self._draw = draw
        self.set_epoch(0)

    def set_epoch(self, epoch: int, *, start: int = 0) -> None:
        """Draws the indices of an epoch, to be called before each one.

        Args:
            epoch: Epoch, >= 0. Not called, every epoch repeats epoch 0.
            start: How many of them to skip, to resume within an epoch: examples of a
                :class:`WeightedIndexSampler`, batches of a
                :class:`ClassBalancedBatchSampler`. Count what was trained on; a loader
                with workers draws ahead.
        """
        rows = self._draw(epoch=epoch)
        _validate.check_integer("start", start, low=0)
        if start > len(rows):
            raise ValueError(f"start must be in [0, {len(rows)}], got {start}.")
        self._rows = rows[start:]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Any]:
        # One at a time: a list of all takes five times the memory of the array.
        return (row.tolist() for row in self._rows)


class WeightedIndexSampler(_EpochSampler[int]):
    """Draws with replacement: :func:`refimpl.sampling.weighted_indices`.

    For ``DataLoader(sampler=...)``. It takes the place of ``WeightedRandomSampler``
    where training runs on several ranks, with ``uneven="pad"`` or ``"drop"``.
    """

    def __init__(
        self,
        weights: ArrayLike,
        size: int,
        *,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
        uneven: str = "keep",
    ) -> None:
        super().__init__(
            partial(
                weighted_indices,
                weights,
                size,
                seed=seed,
                rank=rank,
                ranks=ranks,
                uneven=uneven,
            )
        )


class ClassBalancedBatchSampler(_EpochSampler[list[int]]):
    """Deals balanced batches: :func:`refimpl.sampling.class_balanced_batches`.

    For ``DataLoader(batch_sampler=...)``.
    """

    def __init__(
        self,
        labels: ArrayLike,
        batch_size: int,
        *,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
        uneven: str = "keep",
        drop_last: bool = False,
        classes: int | None = None,
        size: int | None = None,
    ) -> None:
        super().__init__(
            partial(
                class_balanced_batches,
                labels,
                batch_size,
                seed=seed,
                rank=rank,
                ranks=ranks,
                uneven=uneven,
                drop_last=drop_last,
                classes=classes,
                size=size,
            )
        )
