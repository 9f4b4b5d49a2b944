"""One data set of a recipe: its cells, round by round, and what is made of them."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from conformance.training.cells import Cell
from conformance.training.data import Problem
from conformance.training.looks import blocks, merge, undetermined
from conformance.training.metrics import at_posterior
from conformance.training.recipe import DataPlan, Recipe, Strategy
from conformance.training.verdicts import (
    Cells,
    claims,
    contrasts,
    equivalences,
    followed,
    shares,
    summary,
    theory,
)


class Study:
    """The comparison of backends and strategies on one data set.

    Args:
        problem: The data.
        plan: How they are trained on.
        recipe: With the looks and the epochs that will be run.
        backends: In the order of the tables.
        device: ``"cpu"`` or ``"cuda"``.

    Attributes:
        not_run: Why strategies are left out, by their names.
        results: Of finished cells by name; whoever computes them puts them here.
    """

    def __init__(
        self,
        problem: Problem,
        plan: DataPlan,
        recipe: Recipe,
        backends: tuple[str, ...],
        device: str,
    ) -> None:
        self.results: dict[str, dict[str, Any]] = {}
        self._problem, self._plan = problem, plan
        self._recipe = recipe.for_data(plan)
        self._backends, self._device = backends, device
        reasons = {one.name: _lacking(one) for one in self._recipe.strategies}
        self.not_run = {name: reason for name, reason in reasons.items() if reason}
        self._strategies = {
            one.name: one
            for one in self._recipe.strategies
            if one.name not in self.not_run
        }
        # Blocks of seeds of every strategy, so far.
        self._blocks: dict[str, list[tuple[int, ...]]] = {}

    def rounds(self) -> Iterator[list[Cell]]:
        """Yields cells that do not wait for each other; all are then to be computed.

        After every look the backends are compared, and only strategies on which a pair
        of them is undetermined get more seeds.
        """
        pending = list(self._strategies)
        cells = [self._lockstep(name) for name in pending]
        for block in blocks(self._recipe.statistics.looks):
            for name in pending:
                self._blocks.setdefault(name, []).append(block)
            # Backend by backend, so that a process seldom needs a second framework.
            cells += [
                self._seeds(backend, name, block)
                for backend in self._backends
                for name in pending
            ]
            yield cells
            cells = []
            rows = equivalences(self._merged(), self._recipe, self._plan.margin)
            left = undetermined(rows)
            pending = [name for name in pending if name in left]
            if not pending:
                return

    def found(self) -> dict[str, Any]:
        """Returns results and verdicts as plain JSON, but for NaN and infinity."""
        problem, recipe, margin = self._problem, self._recipe, self._plan.margin
        cells = self._merged()
        contrasted = contrasts(cells, recipe, margin)
        best = at_posterior(problem)
        return {
            "counts": problem.counts(),
            "attainable": best,
            "bayes_f1": best.get("f1_searched") if best else None,
            "not_run": self.not_run,
            "lockstep": {
                name: self.results[self._lockstep(name).name]
                for name in self._strategies
            },
            "seeds": cells,
            "summary": summary(cells),
            "equivalence": equivalences(cells, recipe, margin),
            "contrasts": contrasted,
            "claims": claims(contrasted, recipe),
            "theory": {
                "measured": theory(cells, recipe),
                "follows": followed(cells),
                "threshold_share": shares(cells),
            },
        }

    def _merged(self) -> Cells:
        return {
            backend: {
                name: merge(
                    [
                        self.results[self._seeds(backend, name, block).name]
                        for block in taken
                    ]
                )
                for name, taken in self._blocks.items()
            }
            for backend in self._backends
        }

    def _lockstep(self, name: str) -> Cell:
        return self._cell(f"lockstep/{name}", name, self._backends)

    def _seeds(self, backend: str, name: str, block: tuple[int, ...]) -> Cell:
        where = f"{backend}/{name}/{block[0]}-{block[-1]}"
        return self._cell(where, name, (backend,), block)

    def _cell(
        self,
        where: str,
        name: str,
        backends: tuple[str, ...],
        seeds: tuple[int, ...] = (),
    ) -> Cell:
        return Cell(
            f"{self._plan.name}/{where}",
            self._problem,
            self._plan,
            self._strategies[name],
            self._recipe,
            backends,
            self._device,
            seeds,
        )


def _lacking(strategy: Strategy) -> str | None:
    if strategy.resampling != "none" and find_spec("imblearn") is None:
        return "needs imbalanced-learn"
    return None
