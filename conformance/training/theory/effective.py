"""What a strategy's batches make of the classes before its loss sees them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad_vec
from scipy.stats import binom

from conformance.training.data import Problem
from conformance.training.recipe import DataPlan, Strategy

Array = NDArray[np.float64]


def class_factors(
    problem: Problem, plan: DataPlan, strategy: Strategy, class_weights: Array
) -> Array:
    r"""Returns the factor of each class's prior in the expected objective.

    Sampling and resampling change how often a class comes; a divisor that is counted in
    the batch weakens the class that adds to it.

    Args:
        problem: Binary or multiclass, before resampling.
        plan: Size of the batches.
        strategy: Sampler, resampling, divisor and shards.
        class_weights: What an example of each class adds to the divisor
            ``"weights"``, ``(K,)``; binary, negatives first.

    Returns:
        Factors ``(K,)``, of which only the proportions count.
    """
    # The posterior belongs to the proportions of the part that it is of.
    natural = _shares(problem.test.labels, len(class_weights))
    trained = _shares(problem.train.labels, len(class_weights))
    if strategy.sampler == "balanced" or strategy.resampling != "none":
        trained = np.full(len(trained), 1.0 / len(trained))
    if not isinstance(strategy.sampler, str):
        trained = trained * strategy.sampler
        trained /= trained.sum()
    batch = min(plan.batch, len(problem.train.labels))
    parts = np.array(strategy.shards or (1,))
    ends = np.rint(np.cumsum(parts) * batch / parts.sum())
    sizes = np.diff(ends, prepend=0.0)
    divided = [
        size * _of_divisor(strategy.divisor, int(size), trained, class_weights)
        for size in sizes
    ]
    return trained / natural * np.sum(divided, axis=0)


def batch_pos_weight(rate: Any, batch: int, max_value: float) -> Array:
    r"""Returns the mean weight of a positive that is weighed by its own batch.

    .. math::
        \mathrm{E}\left[\min\left(\frac{B - 1 - S}{1 + S},\ w_{\max}\right)\right]

    where S is the number of the other positives of the batch.

    Args:
        rate: Share of positives, of each label.
        batch: Number B of examples.
        max_value: Cap of the weight.
    """
    others = np.arange(batch)
    weight = np.minimum((batch - 1 - others) / (1 + others), max_value)
    return binom.pmf(others, batch - 1, np.asarray(rate)[..., None]) @ weight


def _shares(labels: NDArray[Any], classes: int) -> Array:
    return np.bincount(labels.astype(np.int64), minlength=classes) / len(labels)


def _of_divisor(divisor: str, size: int, trained: Array, weights: Array) -> Array:
    """Returns the mean of one over the divisor, given an example of each class."""
    if divisor == "weights":
        return _over_weights(size, trained, weights / weights.mean())
    if divisor == "positives":
        others = np.arange(size)
        chance = binom.pmf(others, size - 1, trained[1])
        return np.array(
            [chance @ (1 / np.maximum(others, 1)), chance @ (1 / (1 + others))]
        )
    return np.full(len(trained), 1.0 / size)


def _over_weights(size: int, trained: Array, weights: Array) -> Array:
    r"""Returns E[1 / (w_k + S)], S being the weight of the other examples.

    .. math::
        \int_0^\infty e^{-t w_k} \left(\sum_j \pi_j e^{-t w_j}\right)^{B - 1} dt
    """

    def integrand(t: float) -> Array:
        return np.exp(-t * weights) * (trained @ np.exp(-t * weights)) ** (size - 1)

    # In units of one over the mean divisor, where the integrand lives.
    scale = size * (trained @ weights)
    value, *_ = quad_vec(lambda s: integrand(s / scale), 0.0, np.inf)
    return value / scale
