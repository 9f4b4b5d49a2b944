"""What a recipe is: plain data that every backend executes and the outcome records."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Self


@dataclass(frozen=True)
class Strategy:
    """One way of treating the imbalance.

    Attributes:
        name: Key in tables and files.
        loss: Name of an operation, the same in every backend.
        options: Its keyword arguments other than ``pos_weight``, as sorted pairs.
        weight: Where ``pos_weight`` comes from: ``"one"``; ``"ratio"``, negatives over
            positives counted once over the training labels; or ``"dynamic"``.
    """

    name: str
    loss: str
    options: tuple[tuple[str, float | str], ...]
    weight: str


@dataclass(frozen=True)
class Dynamic:
    """Constants of ``refimpl.schedules.dynamic_pos_weight``."""

    initial: float
    step: float
    max_value: float


@dataclass(frozen=True)
class Optimizer:
    """AdamW with clipping by global norm; nothing is left to a default."""

    learning_rate: float
    beta1: float
    beta2: float
    eps: float
    weight_decay: float
    max_norm: float
    clip_eps: float


@dataclass(frozen=True)
class DataPlan:
    """How one data set is trained on.

    Attributes:
        name: Key in tables and files, and in ``conformance.training.data.SOURCES``.
        source: Keyword arguments of the source.
        hidden: Widths of the hidden layers.
        batch: Examples in a batch; an epoch drops the incomplete last one.
        epochs: Of the seed runs.
        quick_epochs: The same under ``--quick``.
        lockstep_epochs: Of the lockstep run.
        quick_lockstep_epochs: The same under ``--quick``.
        lockstep_batches: Batches of a lockstep epoch; ``None`` is the whole epoch.
        margin: Largest difference of the main metric that counts as none.
    """

    name: str
    source: dict[str, Any]
    hidden: tuple[int, ...]
    batch: int
    epochs: int
    quick_epochs: int
    lockstep_epochs: int
    quick_lockstep_epochs: int
    lockstep_batches: int | None
    margin: float

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

    shadows: int
    factor: float
    floor: float
    horizon: float
    minimum_steps: int


@dataclass(frozen=True)
class Statistics:
    """Constants of the verdicts over seeds.

    Attributes:
        main_metric: The metric that backends are compared on.
        alpha: Level of every family of tests, after Holm's correction.
        minimum_seeds: Fewer seeds are never equivalent.
        minimum_fall: Share of the loss that training must remove from every seed.
    """

    main_metric: str
    alpha: float
    minimum_seeds: int
    minimum_fall: float


@dataclass(frozen=True)
class Recipe:
    """A comparison.

    Attributes:
        name: As given on the command line.
        data: The data sets.
        user_data: The plan for ``--data``, whose name is then ``"user"``.
        strategies: In the order of the tables.
        claims: Rankings of strategies that the source asserts, best first.
        seeds: Number of seeds, counted from 0.
    """

    name: str
    data: tuple[DataPlan, ...]
    user_data: DataPlan
    strategies: tuple[Strategy, ...]
    claims: tuple[tuple[str, ...], ...]
    dynamic: Dynamic
    optimizer: Optimizer
    lockstep: Lockstep
    statistics: Statistics
    seeds: int

    def quick(self) -> Self:
        """Returns the recipe with fewer epochs and the fewest seeds that can pass."""
        return replace(
            self,
            data=tuple(plan.quick() for plan in self.data),
            user_data=self.user_data.quick(),
            seeds=self.statistics.minimum_seeds,
        )

    def as_dict(self) -> dict[str, Any]:
        """Returns nothing but dictionaries, lists, strings and numbers."""
        return json.loads(json.dumps(asdict(self)))

    def digest(self) -> str:
        """Names the recipe by its content."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]
