"""What a recipe is: plain data that every backend executes and the outcome records."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

Options = tuple[tuple[str, Any], ...]

TASKS = ("binary", "multilabel", "multiclass", "heatmap")


@dataclass(frozen=True)
class Weight:
    """Where a weight of the loss comes from; it is computed on the host.

    Attributes:
        kind: Key of ``conformance.training.weighting.KINDS``.
        argument: Keyword of the loss that takes it, ``"pos_weight"`` or
            ``"class_weights"``.
        constants: Of the kind, as pairs.
    """

    kind: str
    argument: str = "pos_weight"
    constants: Options = ()


@dataclass(frozen=True)
class Rate:
    """Factor of the learning rate by epoch.

    Attributes:
        schedule: ``"warmup_factor"`` or ``"curriculum_factor"`` of
            ``refimpl.schedules``.
        constants: Its keyword arguments, as pairs.
    """

    schedule: str
    constants: Options


@dataclass(frozen=True)
class Mining:
    """Hard examples are added to the mean loss once more.

    Attributes:
        fraction: Share of a batch that is hard, as ``hard_example_mining`` takes it.
        factor: Of their mean loss, which is added.
    """

    fraction: float
    factor: float


@dataclass(frozen=True)
class Optimizer:
    """An optimiser with clipping by global norm; nothing is left to a default.

    Attributes:
        name: Function of ``refimpl.optimizers`` and its two counterparts.
        constants: Its keyword arguments, as pairs.
        max_norm: Of the gradient; None does not clip.
        clip_eps: Added to the norm of the gradient.
    """

    name: str
    constants: Options
    max_norm: float | None
    clip_eps: float

    def with_constants(self, **constants: float) -> Self:
        """Returns the optimiser with other constants."""
        return replace(
            self, constants=tuple({**dict(self.constants), **constants}.items())
        )


@dataclass(frozen=True)
class Strategy:
    """One way of treating the imbalance.

    Attributes:
        name: Key in tables and files.
        loss: Operation of every backend, or one of
            ``conformance.training.losses.PRINTED``.
        options: Its keyword arguments other than the weight's, as pairs.
        weight: What the loss weighs classes by.
        divisor: What the sum of a batch's losses is divided by: ``"count"`` of its
            elements, ``"weights"`` of its labels, ``"positives"`` in it (at least 1),
            or ``"one"``.
        factor: Of the whole loss.
        shards: Proportions of the parts of a batch whose means are averaged, as under
            gradient accumulation and data parallelism; none is one part.
        sampler: ``"shuffled"``; or, with replacement, ``"balanced"``, where every class
            is as probable as any other, or the weight of an example of each class.
        resampling: Of the training part, before training: ``"none"``,
            ``"oversample"`` or ``"smote"``.
        mining: Whether hard examples count once more.
        rate: Factor of the learning rate; None is 1.
        optimizer: Instead of the recipe's.
        dropout: Rate of the hidden units that are dropped.
        patience: Of early stopping on the validation part; None keeps the last epoch.
        loss_scale: Logits and their gradients pass through float16, the latter times
            this power of two; None keeps the precision.
    """

    name: str
    loss: str
    options: Options = ()
    weight: Weight | None = None
    divisor: str = "count"
    factor: float = 1.0
    shards: tuple[int, ...] = ()
    sampler: str | tuple[float, ...] = "shuffled"
    resampling: str = "none"
    mining: Mining | None = None
    rate: Rate | None = None
    optimizer: Optimizer | None = None
    dropout: float = 0.0
    patience: int | None = None
    loss_scale: float | None = None


@dataclass(frozen=True)
class DataPlan:
    """How one data set is trained on.

    Attributes:
        name: Key in tables and files.
        source: Key of ``conformance.training.data.SOURCES``.
        options: Keyword arguments of the source.
        hidden: Widths of the hidden layers.
        batch: Examples in a batch; an epoch drops the incomplete last one.
        epochs: Of the seed runs.
        quick_epochs: The same under ``--quick``; 0 leaves the data set out.
        lockstep_epochs: Of the lockstep run; it goes on where they hold fewer updates
            than ``Lockstep.minimum_steps``.
        quick_lockstep_epochs: The same under ``--quick``.
        lockstep_batches: Batches of a lockstep epoch; ``None`` is the whole epoch.
        margin: Largest difference of the main metric that counts as none.
        strategies: Names of the strategies that it is for; empty is all.
        main_metric: Instead of the recipe's.
    """

    name: str
    source: str
    options: dict[str, Any]
    hidden: tuple[int, ...]
    batch: int
    epochs: int
    quick_epochs: int
    lockstep_epochs: int
    quick_lockstep_epochs: int
    lockstep_batches: int | None
    margin: float
    strategies: tuple[str, ...] = ()
    main_metric: str | None = None

    def quick(self) -> Self:
        """Returns the plan with its shorter numbers of epochs."""
        return replace(
            self,
            epochs=self.quick_epochs,
            lockstep_epochs=self.quick_lockstep_epochs,
        )


@dataclass(frozen=True)
class Lockstep:
    """Constants of the step-by-step comparison in float64.

    Attributes:
        shadows: Reference runs whose first weights are moved by one ulp.
        factor: The distance may be this many times the shadows' ...
        floor: ... or this many unit round-offs, whichever of the two is larger.
        horizon: Distance of the shadows from which on the recipe is chaotic.
        minimum_steps: A shorter horizon rejects the recipe.
    """

    shadows: int = 3
    factor: float = 8.0
    floor: float = 64.0
    horizon: float = 1e-6
    minimum_steps: int = 30


@dataclass(frozen=True)
class Statistics:
    """Constants of the verdicts over seeds.

    Attributes:
        main_metric: The metric that backends are compared on.
        contrasted: The metrics that strategies are compared on.
        alpha: Level of every family of tests, after Holm's correction, over all looks.
        looks: Numbers of seeds after which undetermined comparisons are judged again.
        minimum_seeds: Fewer seeds are never equivalent.
        minimum_fall: Share of the loss that training must remove from every seed.
    """

    main_metric: str
    contrasted: tuple[str, ...]
    alpha: float = 0.05
    looks: tuple[int, ...] = (10, 20, 40)
    minimum_seeds: int = 8
    minimum_fall: float = 0.05


@dataclass(frozen=True)
class Recipe:
    """A comparison.

    Attributes:
        name: As given on the command line.
        task: One of ``TASKS``, of the user's data too.
        data: The data sets.
        user_data: The plan for ``--data``, whose name is then ``"user"``.
        strategies: In the order of the tables.
        claims: Rankings of strategies that the source asserts, best first.
        optimizer: Of every strategy that brings none.
    """

    name: str
    task: str
    data: tuple[DataPlan, ...]
    user_data: DataPlan
    strategies: tuple[Strategy, ...]
    claims: tuple[tuple[str, ...], ...]
    optimizer: Optimizer
    statistics: Statistics
    lockstep: Lockstep = Lockstep()

    def quick(self) -> Self:
        """Returns the recipe with fewer epochs and the fewest seeds that can pass."""
        return replace(
            self,
            data=tuple(plan.quick() for plan in self.data if plan.quick_epochs),
            user_data=self.user_data.quick(),
        ).with_seeds(self.statistics.minimum_seeds)

    def with_seeds(self, seeds: int) -> Self:
        """Returns the recipe with one look, after this many seeds."""
        return replace(self, statistics=replace(self.statistics, looks=(seeds,)))

    def for_data(self, plan: DataPlan) -> Self:
        """Returns the recipe with the strategies and the main metric of a data set."""
        chosen = [
            s for s in self.strategies if s.name in (plan.strategies or (s.name,))
        ]
        metric = plan.main_metric or self.statistics.main_metric
        return replace(
            self,
            strategies=tuple(chosen),
            statistics=replace(self.statistics, main_metric=metric),
        )

    def as_dict(self) -> dict[str, Any]:
        """Returns nothing but dictionaries, lists, strings and numbers."""
        return json.loads(json.dumps(asdict(self)))

    def digest(self) -> str:
        """Names the recipe by its content."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
