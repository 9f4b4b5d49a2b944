"""The losses in NumPy, with their gradients by hand: what the backends must match."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import refimpl
from conformance.training.recipe import Mining

Array = NDArray[np.float64]


def find(name: str) -> Callable[..., tuple[Any, ...]]:
    """Returns ``loss(logits, labels, state, **options) -> (values, gradient, state)``.

    Args:
        name: Operation of ``refimpl``, or one that is printed.
    """
    if name in _PRINTED:
        return _PRINTED[name]
    function, slope = getattr(refimpl, name), getattr(refimpl, f"{name}_grad")

    def stateful(
        logits: Array, labels: Array, state: Any, **options: Any
    ) -> tuple[Any, ...]:
        values, new = function(logits, labels, state, reduction="none", **options)
        return values, slope(logits, labels, state, **options), tuple(new)

    def stateless(
        logits: Array, labels: Array, state: Any, **options: Any
    ) -> tuple[Any, ...]:
        values = function(logits, labels, reduction="none", **options)
        return values, slope(logits, labels, **options), state

    return stateful if name == "ghmc_loss" else stateless


def boost(values: Array, mining: Mining) -> Array:
    """Returns what each value is multiplied by, so that hard examples count once more.

    The mean of the products is the mean of all values plus ``factor`` times that of the
    hard ones. An example is as hard as the mean of its values, and which are hard is
    a constant for the gradient.
    """
    examples = values.reshape(len(values), -1)
    chosen, mask = refimpl.hard_example_mining(
        examples.mean(axis=1), fraction=mining.fraction
    )
    bonus = mining.factor * len(values) / len(chosen)
    return 1 + bonus * mask.reshape(-1, *(1,) * (values.ndim - 1))


def _probability(x: Array) -> Array:
    # Of exp(-|x|) in every backend: near 1 the sum rounds away in which digit their
    # exponentials differ, and 1 - p is the same for all.
    z = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, z) / (1 + z)


def _of_probabilities(x: Array, y: Array, state: Any) -> tuple[Any, ...]:
    """Binary cross-entropy after a sigmoid, as of ``torch.nn.BCELoss``.

    Where a logarithm is clamped, at -100, its gradient is not that of the clamp: torch
    divides by max(p (1 - p), 1e-12), and multiplies by p (1 - p) on the way to the
    logits.
    """
    p = _probability(x)
    values = refimpl.binary_cross_entropy(p, y, reduction="none")
    spread = p * (1 - p)
    return values, (p - y) / np.maximum(spread, 1e-12) * spread, state


def _of_shifted_probabilities(
    x: Array, y: Array, state: Any, *, eps: float = 1e-7
) -> tuple[Any, ...]:
    """Claim D3; see ``claims.bce_of_shifted_probabilities``."""
    p = _probability(x)
    near = np.where(y == 1, p, 1 - p) + eps
    slope = p * (1 - p) / near
    return -np.log(near), np.where(y == 1, -slope, slope), state


def _ghmc_as_printed(
    x: Array, y: Array, state: Any, *, bins: int = 10, momentum: float = 0.75
) -> tuple[Any, ...]:
    """Claim E5; see ``claims.ghmc``."""
    (counts,) = state
    edges = np.arange(bins + 1) / bins
    norm = np.abs(_probability(x) - y)[..., None]
    # Every bin is open above, so that a norm of 1 is in none.
    inside = ((norm >= edges[:-1]) & (norm < edges[1:])).reshape(-1, bins)
    found = inside.sum(axis=0)
    average = momentum * counts + (1 - momentum) * found
    counts = np.where(found > 0, average, counts)
    per_bin = np.where(found > 0, x.size / np.where(found > 0, counts, 1), 0)
    weights = (inside * per_bin).sum(axis=1).reshape(x.shape)
    values = refimpl.binary_cross_entropy_with_logits(x, y, reduction="none")
    slope = refimpl.binary_cross_entropy_with_logits_grad(x, y)
    return weights * values, weights * slope, (counts,)


_PRINTED = {
    "bce_of_probabilities": _of_probabilities,
    "bce_of_shifted_probabilities": _of_shifted_probabilities,
    "ghmc_as_printed": _ghmc_as_printed,
}
