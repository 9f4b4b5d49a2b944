"""What is wrong with a training program: a constant, a trainer, its optimiser."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.training import tiny
from conformance.training.backends import Trainer
from conformance.training.planting import Build, Plant, clipping, constant, option

Array = NDArray[np.float64]


class _Wrapped:
    """A trainer that another is hidden in."""

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer

    def run(self, rows: NDArray[np.int64], **told: Any) -> Any:
        """Makes updates, as the protocol says."""
        return self.trainer.run(rows, **told)

    def logits(self, features: Array) -> Array:
        """Returns logits, as the protocol says."""
        return self.trainer.logits(features)

    def parameters(self) -> list[Array]:
        """Returns parameters, as the protocol says."""
        return self.trainer.parameters()


class BatchesOneLate(_Wrapped):
    """Trains on the batch before."""

    previous = None

    def run(self, rows: NDArray[np.int64], **told: Any) -> Any:
        """Makes updates on the last batches."""
        now, self.previous = self.previous, rows
        return self.trainer.run(rows if now is None else now, **told)


class RowsReversed(_Wrapped):
    """Valid: reads the rows of a batch backwards."""

    def run(self, rows: NDArray[np.int64], **told: Any) -> Any:
        """Makes updates on the same batches."""
        turned = told["coefficients"][..., ::-1].copy()
        return self.trainer.run(
            rows[..., ::-1].copy(), **{**told, "coefficients": turned}
        )


class WeightFrozen(_Wrapped):
    """Keeps the first weight of the positives."""

    def run(self, rows: NDArray[np.int64], **told: Any) -> Any:
        """Makes updates with a weight of 1."""
        ones = np.ones_like(told["weights"])
        return self.trainer.run(rows, **{**told, "weights": ones})


class GradientScaled(_Wrapped):
    """Follows a gradient that is 1 % too large."""

    def run(self, rows: NDArray[np.int64], **told: Any) -> Any:
        """Makes updates on losses, and so on gradients, that are 1 % too large."""
        scaled = 1.01 * told["coefficients"]
        return self.trainer.run(rows, **{**told, "coefficients": scaled})


class Lost(_Wrapped):
    """Says that its parameters are NaN."""

    def parameters(self) -> list[Array]:
        """Returns nothing to be compared."""
        return [np.full_like(p, np.nan) for p in self.trainer.parameters()]


def wrapped(kind: Callable[[Trainer], Trainer]) -> Plant:
    """Makes a trainer and hides it in another."""
    return lambda build, given: kind(build(**given))


def _torch_coupled(build: Build, given: dict[str, Any]) -> Trainer:
    import torch

    trainer: Any = build(**given)
    settings = trainer._optimizer.param_groups[0]
    names = ("lr", "betas", "eps", "weight_decay")
    trainer._optimizer = torch.optim.Adam(
        settings["params"], **{name: settings[name] for name in names}
    )
    return trainer


def _narrow(build: Build, given: dict[str, Any]) -> Trainer:
    return build(**{**given, "dtype": "float32"})


def _another_loss(build: Build, given: dict[str, Any]) -> Trainer:
    return build(**{**given, "strategy": tiny.STRATEGIES["adaptive-article"]})


def _optimized(optimizer: Callable[..., Any]) -> Plant:
    """Makes the reference with an optimiser of its own."""

    def plant(build: Build, given: dict[str, Any]) -> Trainer:
        trainer: Any = build(**given)
        trainer._optimizer = optimizer
        return trainer

    return plant


def _adam(
    direction: Callable[..., Array],
) -> Callable[..., Any]:
    """Makes an optimiser from what it subtracts, times the learning rate."""

    def adamw(
        parameters: list[Array], gradients: list[Array], state: Any, **constants: float
    ) -> Any:
        updated, first, second = [], [], []
        step, rate = state.step + 1, constants["learning_rate"]
        rows = zip(parameters, gradients, state.first, state.second, strict=True)
        for theta, gradient, m, v in rows:
            m = constants["beta1"] * m + (1.0 - constants["beta1"]) * gradient
            v = constants["beta2"] * v + (1.0 - constants["beta2"]) * gradient**2
            updated.append(theta - rate * direction(theta, m, v, step, constants))
            first.append(m)
            second.append(v)
        return updated, type(state)(step, first, second)

    return adamw


def _unbiased(
    m: Array, v: Array, step: int, c: dict[str, float]
) -> tuple[Array, Array]:
    return m / (1.0 - c["beta1"] ** step), v / (1.0 - c["beta2"] ** step)


def _inside(theta: Array, m: Array, v: Array, step: int, c: dict[str, float]) -> Array:
    m, v = _unbiased(m, v, step, c)
    return m / np.sqrt(v + c["eps"]) + c["weight_decay"] * theta


def _biased(theta: Array, m: Array, v: Array, _step: int, c: dict[str, float]) -> Array:
    return m / (np.sqrt(v) + c["eps"]) + c["weight_decay"] * theta


def _warm(theta: Array, m: Array, v: Array, step: int, c: dict[str, float]) -> Array:
    m, v = _unbiased(m, v, step, c)
    whole = m / (np.sqrt(v) + c["eps"]) + c["weight_decay"] * theta
    return whole / 2 if step == 1 else whole


# One plant each, named in the catalogue.
scaled_gradient = wrapped(GradientScaled)
coupled_decay: Plant = _torch_coupled
batches_one_late = wrapped(BatchesOneLate)
weight_frozen = wrapped(WeightFrozen)
parameters_lost = wrapped(Lost)
gamma_times_1_001 = option("gamma", 2.002)
gamma_off_by_1e_6 = option("gamma", 2.0 + 1e-6)
no_clip_eps = clipping(0.0)
eps_1_percent_off = constant(eps=1.01e-8)
beta2_off = constant(beta2=0.9991)
learning_rate_off_by_1e_6 = constant(learning_rate=0.03 * (1 + 1e-6))
dead = constant(learning_rate=0.0)
float32_inside: Plant = _narrow
another_loss: Plant = _another_loss
eps_inside_the_root = _optimized(_adam(_inside))
no_bias_correction = _optimized(_adam(_biased))
first_rate_halved = _optimized(_adam(_warm))
rows_reversed = wrapped(RowsReversed)
