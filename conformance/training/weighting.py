"""The weights of every update, computed on the host and the same for every backend."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from conformance.training import claims
from conformance.training.data import Problem
from conformance.training.recipe import Weight
from refimpl import weights
from refimpl.schedules import (
    dynamic_pos_weight,
    init_dynamic_pos_weight,
    progressive_pos_weight,
)

Array = NDArray[np.float64]


class Weighting:
    """What the loss of a stack of models is weighed by, epoch after epoch.

    Attributes:
        needs_metric: Whether :meth:`end_epoch` must be called after every epoch.
        now: The weights of the last update, shaped ``(stack, ...)``; None before the
            first epoch, and where nothing is weighed.

    Args:
        weight: Kind and constants; None weighs nothing.
        problem: Whose training part is counted.
        models: Length of the stack.
    """

    def __init__(self, weight: Weight | None, problem: Problem, models: int) -> None:
        self._kind = None
        if weight is not None:
            self._kind = KINDS[weight.kind](problem, models, **dict(weight.constants))
        self.needs_metric = isinstance(self._kind, _Dynamic)
        self.now: Array | None = None

    def of_epoch(self, labels: NDArray) -> Array | None:
        """Returns the weights of the next epoch's updates.

        Args:
            labels: Of every batch, shaped ``(stack, steps, batch, ...)``.

        Returns:
            One weight for each update, shaped ``(stack, steps)``, or one for each class
            or label too, ``(stack, steps, C)``; None where nothing is weighed.
        """
        if self._kind is None:
            return None
        found = self._kind.of_epoch(labels)
        self.now = found[:, -1]
        return found

    def end_epoch(self, metric: Array) -> None:
        """Shows a dynamic weight the validation metric, shaped ``(stack,)``."""
        if isinstance(self._kind, _Dynamic):
            self._kind.end_epoch(metric)


@dataclass
class _Kind:
    """A weight that holds for a whole epoch; the defaults are those of the articles."""

    problem: Problem
    models: int

    def of_training(self) -> Array:
        """Returns the weight of an epoch: a number, or one for each class."""
        raise NotImplementedError

    def of_epoch(self, labels: NDArray) -> Array:
        """Returns the weights of an epoch's updates."""
        one = np.asarray(self.of_training())
        return np.broadcast_to(one, (*labels.shape[:2], *one.shape)).copy()


@dataclass
class _Fixed(_Kind):
    value: float | tuple[float, ...]

    def of_training(self) -> Array:
        return np.asarray(self.value, np.float64)


@dataclass
class _Ratio(_Kind):
    factor: float = 1.0
    max_value: float = 100.0

    def of_training(self) -> Array:
        # The cap comes last: it holds for what the loss is given.
        balance = self.factor * _balance(_of_training(self.problem), None)
        return np.minimum(balance, self.max_value)


@dataclass
class _Inverted(_Kind):
    minimum: float = 1e-3

    def of_training(self) -> Array:
        labels = self.problem.train.labels
        return claims.inverted_pos_weight(labels, minimum=self.minimum)


@dataclass
class _Dynamic(_Kind):
    initial: float = 1.0
    step: float = 0.5
    max_value: float = 10.0

    def __post_init__(self) -> None:
        self._states = [init_dynamic_pos_weight(self.initial)] * self.models

    def of_epoch(self, labels: NDArray) -> Array:
        values = np.array([state.value for state in self._states])
        return np.repeat(values[:, None], labels.shape[1], axis=1)

    def end_epoch(self, metric: Array) -> None:
        """Raises the weight of every model whose metric is no improvement."""
        self._states = [
            dynamic_pos_weight(state, own, step=self.step, max_value=self.max_value)
            for state, own in zip(self._states, metric.tolist(), strict=True)
        ]


@dataclass
class _Progressive(_Kind):
    start: float
    epochs: int
    shape: str = "linear"
    max_value: float = 100.0
    _epoch: int = 0

    def of_training(self) -> Array:
        end = _balance(_of_training(self.problem), self.max_value)
        ramp = {"start": self.start, "steps": self.epochs, "shape": self.shape}
        values = [
            progressive_pos_weight(self._epoch, end=own, **ramp)
            for own in end.ravel().tolist()
        ]
        self._epoch += 1
        return np.reshape(values, end.shape)


@dataclass
class _Batch(_Kind):
    max_value: float = 100.0

    def of_epoch(self, labels: NDArray) -> Array:
        return _balance(_of_batches(labels, axis=2), self.max_value)


@dataclass
class _Moving(_Kind):
    momentum: float
    max_value: float = 100.0

    def __post_init__(self) -> None:
        none = np.zeros((self.models, *self.problem.train.labels.shape[1:]))
        self._state = weights.init_moving_counts(weights.PositiveCounts(none, none))

    def of_epoch(self, labels: NDArray) -> Array:
        return np.stack([self._after(batch) for batch in labels.swapaxes(0, 1)], axis=1)

    def _after(self, labels: NDArray) -> Array:
        """Returns the weights from the batches so far, the next one included."""
        self._state = weights.update_moving_counts(
            self._state, _of_batches(labels, axis=1), momentum=self.momentum
        )
        return _balance(weights.moving_counts(self._state), self.max_value)


@dataclass
class _InverseFrequency(_Kind):
    scale: float = 1.0

    def of_training(self) -> Array:
        return weights.inverse_frequency(self.problem.class_counts, scale=self.scale)


@dataclass
class _EffectiveNumber(_Kind):
    beta: float = 0.999
    scale: float = 1.0

    def of_training(self) -> Array:
        counts = self.problem.class_counts
        return weights.effective_number(counts, beta=self.beta, scale=self.scale)


@dataclass
class _InverseSquareRoot(_Kind):
    scale: float = 1.0

    def of_training(self) -> Array:
        return weights.inverse_square_root(self.problem.class_counts, scale=self.scale)


KINDS: dict[str, type[_Kind]] = {
    "fixed": _Fixed,
    "ratio": _Ratio,
    "inverted": _Inverted,
    "dynamic": _Dynamic,
    "progressive": _Progressive,
    "batch": _Batch,
    "moving": _Moving,
    "inverse_frequency": _InverseFrequency,
    "effective_number": _EffectiveNumber,
    "inverse_square_root": _InverseSquareRoot,
}


def _of_training(problem: Problem) -> weights.PositiveCounts:
    positives, negatives = problem.positives, problem.negatives
    return weights.PositiveCounts(np.asarray(positives), np.asarray(negatives))


def _of_batches(labels: NDArray, *, axis: int) -> weights.PositiveCounts:
    positives = labels.sum(axis=axis)
    return weights.PositiveCounts(positives, labels.shape[axis] - positives)


def _balance(counts: weights.PositiveCounts, max_value: float | None) -> Array:
    """Returns negatives over positives, of counts of any shape."""
    flat = (part.ravel() for part in counts)
    balance = weights.pos_weight(*flat, max_value=max_value)
    return balance.reshape(counts.positives.shape)
