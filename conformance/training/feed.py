"""What every update of an epoch is told, drawn and computed on the host."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from conformance.training.data import Problem
from conformance.training.recipe import DataPlan, Rate, Strategy
from refimpl import schedules
from refimpl.layers import dropout_mask
from refimpl.mlp import init_mlp
from refimpl.sampling import sample_weights, weighted_indices
from refimpl.weights import inverse_frequency

Array = NDArray[np.float64]

# Streams of random numbers of a seed.
_PARAMETERS, _ORDER, SHADOWS = range(3)
# Of the resampled training part, which all models share.
RESAMPLING = 0


class Feed(NamedTuple):
    """Arguments of a trainer's ``run``; see ``refimpl.train.Trainer.run``."""

    rows: NDArray[np.int64]
    coefficients: Array
    weights: Array | None
    rates: Array
    masks: tuple[NDArray[np.bool_], ...]

    def keywords(self) -> dict[str, Any]:
        """Returns all but the rows, which are given by position."""
        told = self._asdict()
        del told["rows"]
        return told

    def step(self, number: int) -> Self:
        """Returns what one update is told."""
        own = slice(number, number + 1)
        return self._replace(
            rows=self.rows[:, own],
            coefficients=self.coefficients[:, own],
            weights=None if self.weights is None else self.weights[:, own],
            rates=self.rates[own],
            masks=tuple(mask[:, own] for mask in self.masks),
        )


def first_parameters(
    seeds: Sequence[int], problem: Problem, plan: DataPlan
) -> list[Array]:
    """Draws the first parameters of every seed, and stacks them.

    A seed's draws do not depend on backend or strategy: runs are paired by seed.
    """
    sizes = (problem.train.features.shape[-1], *plan.hidden, problem.classes)
    drawn = [
        init_mlp(np.random.default_rng([seed, _PARAMETERS]), sizes) for seed in seeds
    ]
    return [np.stack(layer) for layer in zip(*drawn, strict=True)]


def batches(
    seeds: Sequence[int],
    epoch: int,
    problem: Problem,
    plan: DataPlan,
    sampler: str | tuple[float, ...] = "shuffled",
) -> NDArray[np.int64]:
    """Draws the order of one epoch for every seed.

    Args:
        seeds: Of the models.
        epoch: Counted from 0.
        problem: Whose training part is drawn from.
        plan: Size of the batches.
        sampler: As in :class:`conformance.training.recipe.Strategy`.

    Returns:
        Rows of the training part, shaped ``(seeds, batches, batch)``; the incomplete
        last batch is dropped.
    """
    size = len(problem.train.labels)
    batch = min(plan.batch, size)
    if sampler == "shuffled":
        orders = [
            np.random.default_rng([seed, _ORDER, epoch]).permutation(size)
            for seed in seeds
        ]
    else:
        weights = _drawn_by(sampler, problem)
        orders = [
            weighted_indices(weights, size, seed=seed, epoch=epoch) for seed in seeds
        ]
    whole = size // batch
    return np.stack(orders)[:, : whole * batch].reshape(len(seeds), whole, batch)


def _drawn_by(sampler: str | tuple[float, ...], problem: Problem) -> Array:
    """Returns the weight that every example is drawn by."""
    of_class = sampler
    if sampler == "balanced":
        of_class = inverse_frequency(problem.class_counts)
    return sample_weights(problem.train.labels.astype(np.int64), of_class)


def coefficients(strategy: Strategy, labels: NDArray, weights: Array | None) -> Array:
    """Computes the factor of every example's loss: the reduction of a batch.

    Args:
        strategy: Its divisor, factor and shards.
        labels: Of every batch, shaped ``(stack, steps, batch, ...)``.
        weights: Of the classes, shaped ``(stack, steps)`` or ``(stack, steps, K)``.

    Returns:
        Factors shaped ``(stack, steps, batch)``.
    """
    amounts = _amounts(strategy.divisor, labels, weights)
    shards = np.cumsum(strategy.shards or (1,))
    ends = np.rint(shards * labels.shape[2] / shards[-1]).astype(np.int64)
    parts = np.split(amounts, ends[:-1], axis=2)
    totals = [np.broadcast_to(p.sum(axis=2, keepdims=True), p.shape) for p in parts]
    divisors = np.concatenate(totals, axis=2)
    if strategy.divisor == "positives":
        divisors = np.maximum(divisors, 1.0)
    return strategy.factor / (len(shards) * divisors)


def _amounts(divisor: str, labels: NDArray, weights: Array | None) -> Array:
    """Returns what every example adds to the divisor of its part."""
    axes = tuple(range(3, labels.ndim))
    if divisor == "count":
        return np.full(labels.shape[:3], float(np.prod(labels.shape[3:])))
    if divisor == "positives":
        return (labels == 1).sum(axis=axes, dtype=np.float64)
    if divisor == "one":
        return np.full(labels.shape[:3], 1.0 / labels.shape[2])
    if weights is None:
        return np.ones(labels.shape[:3])
    if weights.ndim == 2:
        return np.where(labels == 1, weights[..., None], 1.0)
    return np.take_along_axis(weights, labels.astype(np.int64), axis=2)


def rate_factor(rate: Rate | None, epoch: int) -> float:
    """Returns the factor of the learning rate in an epoch."""
    if rate is None:
        return 1.0
    return float(getattr(schedules, rate.schedule)(epoch, **dict(rate.constants)))


def masks(
    strategy: Strategy,
    seeds: Sequence[int],
    epoch: int,
    rows: NDArray[np.int64],
    hidden: Sequence[int],
) -> tuple[NDArray[np.bool_], ...]:
    """Draws what dropout keeps of every hidden layer in an epoch."""
    if not strategy.dropout:
        return ()
    return tuple(
        np.stack(
            [
                dropout_mask(
                    (*rows.shape[1:], width),
                    rate=strategy.dropout,
                    seed=seed,
                    step=epoch,
                    layer=layer,
                )
                for seed in seeds
            ]
        )
        for layer, width in enumerate(hidden)
    )
