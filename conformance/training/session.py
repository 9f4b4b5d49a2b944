"""The loop over epochs, on the host and the same for every backend."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.training.backends import REFERENCE, Trainer, loss_function
from conformance.training.data import Problem
from conformance.training.metrics import f1_at_half
from conformance.training.recipe import DataPlan, Dynamic, Strategy
from refimpl.mlp import init_mlp
from refimpl.schedules import dynamic_pos_weight, init_dynamic_pos_weight

Array = NDArray[np.float64]


def first_parameters(
    seeds: Sequence[int], problem: Problem, plan: DataPlan
) -> list[Array]:
    """Draws the first parameters of every seed, and stacks them.

    A seed's draws do not depend on backend or strategy: runs are paired by seed.
    """
    sizes = (problem.train.features.shape[1], *plan.hidden, 1)
    drawn = [init_mlp(np.random.default_rng([seed, 0]), sizes) for seed in seeds]
    return [np.stack(layer) for layer in zip(*drawn, strict=True)]


def batches(
    seeds: Sequence[int], epoch: int, problem: Problem, plan: DataPlan
) -> NDArray[np.int64]:
    """Draws the order of one epoch for every seed.

    Returns:
        Rows of the training part, shaped ``(seeds, batches, batch)``; the incomplete
        last batch is dropped.
    """
    size = problem.train.labels.size
    batch = min(plan.batch, size)
    orders = [
        np.random.default_rng([seed, 1, epoch]).permutation(size) for seed in seeds
    ]
    whole = size // batch
    return np.stack(orders)[:, : whole * batch].reshape(len(seeds), whole, batch)


class Session:
    """A trainer, the weight of the positives, and the schedule that moves it.

    Attributes:
        trainer: Whose stack is trained.
        history: The weights of every finished epoch, one for each model.
    """

    def __init__(
        self,
        trainer: Trainer,
        strategy: Strategy,
        dynamic: Dynamic,
        problem: Problem,
    ) -> None:
        self.trainer = trainer
        self.history: list[list[float]] = []
        self._strategy, self._dynamic, self._problem = strategy, dynamic, problem
        self._first_logits = trainer.logits(problem.train.features)
        self._alive = np.ones(len(self._first_logits), dtype=bool)
        first = {"one": 1.0, "ratio": problem.ratio, "dynamic": dynamic.initial}
        state = init_dynamic_pos_weight(first[strategy.weight])
        self._states = [state] * len(self._first_logits)

    @property
    def pos_weight(self) -> Array:
        """The weights of the next update, one for each model."""
        return np.array([state.value for state in self._states])

    def train(self, indices: NDArray[np.int64]) -> None:
        """Makes one update for every batch."""
        losses, norms = self.trainer.run(indices, self.pos_weight)
        live = np.isfinite(losses) & np.isfinite(norms) & (norms > 0.0)
        self._alive &= live.all(axis=1)

    def end_epoch(self) -> None:
        """Lets the schedule see F1 on the validation part, and records the weights."""
        self.history.append(self.pos_weight.tolist())
        if self._strategy.weight != "dynamic":
            return
        part = self._problem.validation
        self._states = [
            dynamic_pos_weight(
                state,
                f1_at_half(part.labels, logits),
                step=self._dynamic.step,
                max_value=self._dynamic.max_value,
            )
            for state, logits in zip(
                self._states, self.trainer.logits(part.features), strict=True
            )
        ]

    def progress(self, minimum_fall: float) -> dict[str, Any]:
        """Tells whether every model learned: two dead models agree perfectly.

        Args:
            minimum_fall: Share of the training loss that must be gone.

        Returns:
            Mean training losses of first and last parameters, both under the last
            weights (a rising weight raises the loss of a model that improves), and
            ``trained``: all of them fell, and no update had a gradient that was zero or
            not finite.
        """
        before = self._loss(self._first_logits)
        after = self._loss(self.trainer.logits(self._problem.train.features))
        fell = after <= (1.0 - minimum_fall) * before
        return {
            "loss_before": before.tolist(),
            "loss_after": after.tolist(),
            "trained": bool((self._alive & fell).all()),
        }

    def _loss(self, logits: Array) -> Array:
        loss = loss_function(REFERENCE, self._strategy.loss, self._strategy.options)
        # Models go last: that is the axis along which the losses take weights.
        labels = np.broadcast_to(self._problem.train.labels, logits.shape).T
        values = loss(logits.T, labels, pos_weight=self.pos_weight, reduction="none")
        return values.mean(axis=0)
