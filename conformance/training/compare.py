"""Runs a recipe on every backend and says whether the outcomes agree."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console

from conformance.errors import UsageError
from conformance.report.header import source_digest
from conformance.report.progress import progress
from conformance.report.terminal import interrupted
from conformance.training import canaries
from conformance.training.backends import describe, one_thread_each, require
from conformance.training.data import SOURCES, Problem, user_file
from conformance.training.equivalence import DIFFERENT, UNDETERMINED
from conformance.training.journal import Journal
from conformance.training.lockstep import run_lockstep
from conformance.training.metrics import f1_at_posterior
from conformance.training.plots import plot_f1, plot_lockstep
from conformance.training.recipe import DataPlan, Recipe
from conformance.training.recipes import RECIPES
from conformance.training.seeds import run_seeds
from conformance.training.tables import show
from conformance.training.verdicts import claims, contrasts, equivalences, summary


@dataclass(frozen=True)
class Request:
    """What was asked for, checked.

    Attributes:
        recipe: With the number of seeds and the epochs that will be run.
        problems: Data sets by name, each with its plan.
        backends: In the order of the tables.
        device: ``"cpu"`` or ``"cuda"``.
        quick: Undetermined verdicts are reported, but are no failure.
        data_digest: Of the user's file; None without one.
    """

    recipe: Recipe
    problems: dict[str, tuple[DataPlan, Problem]]
    backends: tuple[str, ...]
    device: str
    quick: bool
    data_digest: str | None

    @cached_property
    def conditions(self) -> dict[str, Any]:
        """Everything that the result of a cell depends on, as it was at first."""
        return {
            "recipe": self.recipe.as_dict(),
            "digest": self.recipe.digest(),
            "source": source_digest(),
            "quick": self.quick,
            "backends": list(self.backends),
            "seeds": list(range(self.recipe.seeds)),
            "data_digest": self.data_digest,
            **describe(self.backends, self.device),
        }

    def cells(self) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
        """Yields the name of every cell and what computes its result."""
        for name, (plan, problem) in self.problems.items():
            for strategy in self.recipe.strategies:
                arguments = (problem, plan, strategy, self.recipe)
                yield (
                    f"{name}/lockstep/{strategy.name}",
                    lambda arguments=arguments: run_lockstep(
                        *arguments, backends=self.backends, device=self.device
                    ),
                )
                for backend in self.backends:
                    yield (
                        f"{name}/{backend}/{strategy.name}",
                        lambda arguments=arguments, backend=backend: run_seeds(
                            *arguments, backend=backend, device=self.device
                        ),
                    )


def compare(
    recipes: list[str],
    *,
    backends: tuple[str, ...],
    seeds: int | None,
    device: str,
    data: Path | None,
    out: Path,
    quick: bool,
    resume: bool,
    console: Console,
) -> int:
    """Runs recipes and writes ``outcome.json``, figures and tables.

    Args:
        recipes: Names; none means all.
        backends: Of ``numpy``, ``torch`` and ``jax``; the reference takes part in the
            lockstep in any case.
        seeds: Number of seeds; None is the recipe's.
        device: ``"cpu"`` or ``"cuda"``, for torch and JAX.
        data: The user's ``.npz`` file, instead of the recipe's data.
        out: Folder of the results; a folder for each recipe where there are several.
        quick: Fewer epochs and seeds.
        resume: Keep the cells that an interrupted run finished.
        console: Where to print.

    Returns:
        Exit status: 0 outcomes agree, 1 they do not or nothing was compared, 2 the
        harness itself is at fault, 130 interrupted.

    Raises:
        UsageError: What was asked for does not exist or cannot be run here.
    """
    names = recipes or list(RECIPES)
    status = 0
    for name in names:
        request = _request(name, backends, seeds, device, data, quick=quick)
        unseen = canaries.missed()
        if unseen:
            reason = f"the harness does not see: {'; '.join(unseen)}"
            console.print(f"{reason}; nothing it says can be believed.", soft_wrap=True)
            return 2
        folder = out if len(names) == 1 else out / name
        with _writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)
            journal = Journal(folder / "cells.jsonl", request.conditions, resume=resume)
        try:
            with one_thread_each(backends):
                _run_cells(request, journal, console)
        except KeyboardInterrupt:
            return interrupted(console, f"{len(journal)} cells", journal.path)
        outcome = _conclude(request, journal)
        with _writing_to(folder):
            _write(outcome, folder)
        status = max(status, _report(outcome, folder, console))
    return status


def _request(
    name: str,
    backends: tuple[str, ...],
    seeds: int | None,
    device: str,
    data: Path | None,
    *,
    quick: bool,
) -> Request:
    if name not in RECIPES:
        raise UsageError(f"RECIPE: {name!r} is none of {', '.join(RECIPES)}.")
    if seeds is not None and seeds < 1:
        raise UsageError(f"--seeds: must be >= 1, got {seeds}.")
    require(backends, device)
    recipe = RECIPES[name].quick() if quick else RECIPES[name]
    recipe = recipe if seeds is None else replace(recipe, seeds=seeds)
    if data is None:
        problems = {
            plan.name: (plan, SOURCES[plan.name](**plan.source)) for plan in recipe.data
        }
        digest = None
    else:
        plan = recipe.user_data
        problems = {plan.name: (plan, user_file(data, **plan.source))}
        digest = hashlib.sha256(data.read_bytes()).hexdigest()
    return Request(recipe, problems, backends, device, quick, digest)


def _run_cells(request: Request, journal: Journal, console: Console) -> None:
    cells = list(request.cells())
    with progress(console, len(cells)) as shown:
        for number, (name, compute) in enumerate(cells, start=1):
            shown.at(name)
            if journal.get(name) is None:
                start = time.perf_counter()
                result = compute()
                seconds = round(time.perf_counter() - start, 2)
                journal.append(name, result | {"seconds": seconds})
                shown.line(f"[{number}/{len(cells)}] {name} {seconds:.1f} s")
            shown.at(name, advance=1)


def _conclude(request: Request, journal: Journal) -> dict[str, Any]:
    results = {}
    names = [strategy.name for strategy in request.recipe.strategies]
    for data, (plan, problem) in request.problems.items():
        cells: Any = {
            backend: {name: journal.get(f"{data}/{backend}/{name}") for name in names}
            for backend in request.backends
        }
        contrasted = contrasts(cells, request.recipe, plan.margin)
        results[data] = {
            "counts": problem.counts(),
            "bayes_f1": f1_at_posterior(problem),
            "lockstep": {
                name: journal.get(f"{data}/lockstep/{name}") for name in names
            },
            "seeds": cells,
            "summary": summary(cells),
            "equivalence": equivalences(cells, request.recipe, plan.margin),
            "contrasts": contrasted,
            "claims": claims(contrasted, request.recipe),
        }
    failures = _failures(results, quick=request.quick)
    return {
        **request.conditions,
        "verdict": "fail" if failures else "pass",
        "failures": failures,
        "data": results,
    }


def _failures(results: dict[str, Any], *, quick: bool) -> list[str]:
    failing = {DIFFERENT} if quick else {DIFFERENT, UNDETERMINED}
    failures, compared = [], 0
    for data, found in results.items():
        for strategy, cell in found["lockstep"].items():
            compared += len(cell["verdict"])
            failures += [
                f"{data}: lockstep of {backend} with {strategy}: {verdict}"
                for backend, verdict in cell["verdict"].items()
                if verdict != "pass"
            ]
        failures += [
            f"{data}: {backend} with {strategy}: nothing trained"
            for backend, by_strategy in found["seeds"].items()
            for strategy, cell in by_strategy.items()
            if not cell["trained"]
        ]
        failures += [
            f"{data}: {row['second']} and {row['first']} with {row['strategy']}: "
            f"{row['verdict']}"
            for row in found["equivalence"]
            if row["verdict"] in failing
        ]
    return failures if compared else [*failures, "nothing was compared"]


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"--out: cannot write {folder} ({reason}).") from error


def _write(outcome: dict[str, Any], folder: Path) -> None:
    text = json.dumps(_strict(outcome), indent=1, allow_nan=False)
    (folder / "outcome.json").write_text(text + "\n")
    plot_lockstep(outcome["data"], folder)
    plot_f1(outcome["data"], folder)


def _strict(value: Any) -> Any:
    """Returns the value with null for NaN and infinity, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _report(outcome: dict[str, Any], folder: Path, console: Console) -> int:
    for name, found in outcome["data"].items():
        show(console, name, found)
    for failure in outcome["failures"]:
        console.print(failure, style="red", markup=False, soft_wrap=True)
    console.print(
        f"\n{outcome['verdict']}: {folder / 'outcome.json'}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return 1 if outcome["failures"] else 0
