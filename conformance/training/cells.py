"""What a comparison is made of: one strategy, as far as it runs in one go."""

from collections.abc import Hashable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from conformance.training.backends import describe
from conformance.training.data import Problem
from conformance.training.lockstep import run_lockstep
from conformance.training.recipe import DataPlan, Recipe, Strategy
from conformance.training.seeds import run_seeds

# Of a plan: what only verdicts depend on, and numbers that ``quick`` has taken over.
_NO_MATTER = (
    "margin",
    "strategies",
    "main_metric",
    "quick_epochs",
    "quick_lockstep_epochs",
)


@dataclass(frozen=True)
class Cell:
    """A block of seeds on one backend, or the lockstep of several.

    Attributes:
        name: Unique in its recipe.
        problem: The data.
        plan: How they are trained on.
        strategy: What is trained.
        recipe: That it is part of.
        backends: One, or for the lockstep all.
        device: ``"cpu"`` or ``"cuda"``.
        seeds: Of the block; empty for the lockstep.
    """

    name: str
    problem: Problem
    plan: DataPlan
    strategy: Strategy
    recipe: Recipe
    backends: tuple[str, ...]
    device: str
    seeds: tuple[int, ...] = ()

    @property
    def program(self) -> Hashable:
        """What JAX compiles for it, as far as that depends on more than shapes."""
        one = self.strategy
        argument = one.weight and one.weight.argument
        loss = one.loss, one.options, argument, one.mining
        return self.plan.name, self.backends, bool(self.seeds), loss

    def compute(self) -> dict[str, Any]:
        """Trains, and returns the result as plain JSON."""
        arguments = self.problem, self.plan, self.strategy, self.recipe
        if not self.seeds:
            return run_lockstep(*arguments, backends=self.backends, device=self.device)
        (backend,) = self.backends
        return run_seeds(
            *arguments, backend=backend, device=self.device, seeds=self.seeds
        )

    def content(self, *, source: str, data_digest: str | None) -> dict[str, Any]:
        """Returns everything that the result depends on, and nothing else.

        Args:
            source: Digest of the code.
            data_digest: Of the user's file; None without one.
        """
        recipe = self.recipe
        plan = {k: v for k, v in asdict(self.plan).items() if k not in _NO_MATTER}
        return {
            "plan": plan,
            "strategy": asdict(self.strategy),
            "task": recipe.task,
            "optimizer": asdict(self.strategy.optimizer or recipe.optimizer),
            "minimum_fall": recipe.statistics.minimum_fall,
            "lockstep": None if self.seeds else asdict(recipe.lockstep),
            "seeds": list(self.seeds),
            "backends": list(self.backends),
            "source": source,
            "data_digest": data_digest,
            **_described(self.backends, self.device),
        }


@cache
def _described(backends: tuple[str, ...], device: str) -> dict[str, Any]:
    return describe(backends, device)
