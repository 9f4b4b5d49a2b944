"""The losses of the strategies, for one model and in one form for every backend."""

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.training.recipe import Mining, Options, Strategy

# Losses as the articles print them, which are no operations of the packages.
PRINTED = ("bce_of_probabilities", "bce_of_shifted_probabilities", "ghmc_as_printed")

# What the losses that remember are bound to carry, each with its dtype.
_STATES = {
    "ghmc_loss": (np.float64, np.int64),
    "ghmc_as_printed": (np.float64,),
}
_BINS = 10


def bound(backend: str, strategy: Strategy) -> Callable[..., tuple[Any, ...]]:
    """Returns the loss of a strategy with its options bound.

    Args:
        backend: ``"numpy"``, ``"torch"`` or ``"jax"``; only this one is imported.
        strategy: Of which loss, options, mining and the weight's argument count.

    Returns:
        ``loss(logits, labels, weights, state)`` of one model: ``weights`` is None, a
        scalar or one for each class, ``state`` a tuple of arrays as from
        :func:`initial_state`. It returns ``(values, state)``, values shaped like the
        labels; NumPy's returns ``(values, gradient, state)``, with the derivative of
        the sum of the values by the logits. Equal losses are one *object*, for which
        JAX compiles once.
    """
    argument = strategy.weight.argument if strategy.weight else ""
    return _bound(backend, strategy.loss, strategy.options, argument, strategy.mining)


def initial_state(strategy: Strategy, models: int) -> list[NDArray[Any]]:
    """Returns what a loss remembers before the first update, for a stack of models.

    Args:
        strategy: Of which loss and options count.
        models: Length of the leading axis.

    Returns:
        Zeros, shaped ``(models, bins)``; nothing for a loss without a memory.
    """
    bins = dict(strategy.options).get("bins", _BINS)
    kinds = _STATES.get(strategy.loss, ())
    return [np.zeros((models, bins), kind) for kind in kinds]


@cache
def _bound(
    backend: str,
    name: str,
    options: Options,
    argument: str,
    mining: Mining | None,
) -> Callable[..., tuple[Any, ...]]:
    module = import_module(f"conformance.training.losses._{backend}")
    loss = partial(module.find(name), **dict(options))

    def of_model(logits: Any, labels: Any, weights: Any, state: Any) -> tuple[Any, ...]:
        named = {} if weights is None else {argument: weights}
        *parts, state = loss(logits, labels, state, **named)
        if mining is not None:
            boost = module.boost(parts[0], mining)
            parts = [boost * part for part in parts]
        return *parts, state

    return of_model
