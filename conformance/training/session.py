"""The loop over epochs, on the host and the same for every backend."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.training.backends import REFERENCE, Trainer
from conformance.training.data import Problem
from conformance.training.feed import (
    Feed,
    batches,
    coefficients,
    masks,
    rate_factor,
)
from conformance.training.losses import bound, initial_state
from conformance.training.metrics import validation_metric
from conformance.training.recipe import DataPlan, Strategy
from conformance.training.weighting import Weighting
from refimpl.early_stopping import early_stopping, init_early_stopping

Array = NDArray[np.float64]

_CROSS_ENTROPY = Strategy("plain", "binary_cross_entropy_with_logits")


class Session:
    """A trainer, and what moves with the epochs: order, weights, rate, early stopping.

    Args:
        build: Makes a trainer of parameters.
        parameters: The first, with a leading axis of models.
        seeds: Of the models' draws.
        problem: Whose training part the trainer has.
        plan: Batch and hidden layers.
        strategy: What to do about the imbalance.

    Attributes:
        trainer: Whose stack is trained.
        history: The weights of every finished epoch, one for each model; None where
            nothing is weighted.
    """

    def __init__(
        self,
        build: Callable[[list[Array]], Trainer],
        parameters: list[Array],
        *,
        seeds: Sequence[int],
        problem: Problem,
        plan: DataPlan,
        strategy: Strategy,
    ) -> None:
        self.trainer = build(parameters)
        self.history: list[Any] = []
        self._build, self._seeds = build, seeds
        self._problem, self._plan, self._strategy = problem, plan, strategy
        self._first_logits = self.trainer.logits(problem.train.features)
        self._alive = np.ones(len(seeds), dtype=bool)
        self._weighting = Weighting(strategy.weight, problem, models=len(seeds))
        self._stopping = [init_early_stopping()] * len(seeds)
        self._best = parameters

    def feed(self, epoch: int, limit: int | None = None) -> Feed:
        """Draws what the updates of an epoch are told.

        Args:
            epoch: Counted from 0; the epochs before have ended.
            limit: Of the batches; None is all of them.
        """
        plan, strategy, seeds = self._plan, self._strategy, self._seeds
        rows = batches(seeds, epoch, self._problem, plan, strategy.sampler)
        rows = rows[:, :limit]
        labels = self._problem.train.labels[rows]
        weights = self._weighting.of_epoch(labels)
        rate = rate_factor(strategy.rate, epoch)
        return Feed(
            rows,
            coefficients(strategy, labels, weights),
            weights,
            np.full(rows.shape[1], rate),
            masks(strategy, seeds, epoch, rows, plan.hidden),
        )

    def train(self, told: Feed) -> None:
        """Makes one update for every batch."""
        losses, norms = self.trainer.run(told.rows, **told.keywords())
        live = np.isfinite(losses) & np.isfinite(norms) & (norms > 0.0)
        self._alive &= live.all(axis=1)

    def end_epoch(self) -> None:
        """Lets schedules see the validation part, and records the weights."""
        now = self._weighting.now
        self.history.append(None if now is None else now.tolist())
        stops = self._strategy.patience is not None
        if not (stops or self._weighting.needs_metric):
            return
        part = self._problem.validation
        metric = validation_metric(self._problem, self.trainer.logits(part.features))
        self._weighting.end_epoch(metric)
        if stops:
            self._keep_best(metric)

    def outcome(self) -> Trainer:
        """Returns the trainer to be measured: of the best epoch where it may stop."""
        if self._strategy.patience is None:
            return self.trainer
        return self._build(self._best)

    def progress(self, minimum_fall: float) -> dict[str, Any]:
        """Tells whether every model learned: two dead models agree perfectly.

        Args:
            minimum_fall: Share of the training loss that must be gone.

        Returns:
            Mean training losses of first and last parameters, both under the last
            weights (a rising weight raises the loss of a model that improves), and
            ``trained``: all of them fell, and no update had a gradient that was zero or
            not finite. Of a loss with a memory, whose weights depend on the model,
            cross entropy must fall.
        """
        before = self._loss(self._first_logits)
        after = self._loss(self.trainer.logits(self._problem.train.features))
        fell = after <= (1.0 - minimum_fall) * before
        return {
            "loss_before": before.tolist(),
            "loss_after": after.tolist(),
            "trained": bool((self._alive & fell).all()),
        }

    def _keep_best(self, metric: Array) -> None:
        """Remembers the parameters of every model that improved and has not stopped."""
        patience = self._strategy.patience
        self._stopping = [
            early_stopping(state, float(own), patience=patience)
            for state, own in zip(self._stopping, metric, strict=True)
        ]
        improved = np.array([state.improved for state in self._stopping])
        self._best = [
            np.where(improved.reshape(-1, *[1] * (new.ndim - 1)), new, old)
            for old, new in zip(self._best, self.trainer.parameters(), strict=True)
        ]

    def _loss(self, logits: Array) -> Array:
        remembers = initial_state(self._strategy, 1)
        loss = bound(REFERENCE, _CROSS_ENTROPY if remembers else self._strategy)
        now = self._weighting.now
        labels = self._problem.train.labels
        # A model that diverged has logits that no loss is finite at.
        with np.errstate(all="ignore"):
            return np.array(
                [
                    loss(own, labels, None if now is None else now[index], ())[0].mean()
                    for index, own in enumerate(logits)
                ]
            )
