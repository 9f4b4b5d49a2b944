"""Runs recipes on every backend and says whether the outcomes agree."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console

from conformance.errors import UsageError
from conformance.report.header import source_digest
from conformance.report.terminal import interrupted
from conformance.training import canaries
from conformance.training.backends import (
    REFERENCE,
    describe,
    one_thread_each,
    require,
)
from conformance.training.cache import Cache
from conformance.training.data import SOURCES, Problem, user_file
from conformance.training.drive import Memory, drive
from conformance.training.journal import Journal
from conformance.training.outcome import as_json, conclude, write_record
from conformance.training.plots import plot_outcome
from conformance.training.recipe import DataPlan, Recipe
from conformance.training.recipes import RECIPES
from conformance.training.study import Study
from conformance.training.tables import overview, show
from conformance.training.workers import Inline, Pool, make_workers


@dataclass(frozen=True)
class Request:
    """What was asked for, checked.

    Attributes:
        recipe: With the looks and the epochs that will be run.
        problems: Each with its plan.
        backends: In the order of the tables.
        device: ``"cpu"`` or ``"cuda"``.
        quick: Undetermined verdicts are reported, but are no failure.
        data_digest: Of the user's file; None without one.
    """

    recipe: Recipe
    problems: list[tuple[DataPlan, Problem]]
    backends: tuple[str, ...]
    device: str
    quick: bool
    data_digest: str | None

    @cached_property
    def conditions(self) -> dict[str, Any]:
        """Everything that the results depend on, as it was at first."""
        return {
            "recipe": self.recipe.as_dict(),
            "digest": self.recipe.digest(),
            "source": source_digest(),
            "quick": self.quick,
            "backends": list(self.backends),
            "seeds": list(range(self.recipe.statistics.looks[-1])),
            "data_digest": self.data_digest,
            **describe(self.backends, self.device),
        }

    def studies(self) -> dict[str, Study]:
        """Returns the comparison on every data set, by its name."""
        return {
            plan.name: Study(problem, plan, self.recipe, self.backends, self.device)
            for plan, problem in self.problems
        }


def compare(
    recipes: Sequence[str],
    *,
    backends: tuple[str, ...],
    seeds: int | None,
    device: str,
    data: Path | None,
    out: Path,
    quick: bool,
    resume: bool,
    console: Console,
    workers: int = 1,
    cache: Path | None = None,
    record: Path | None = None,
) -> int:
    """Runs recipes; writes ``outcome.json``, figures and tables.

    Args:
        recipes: Names; none means all.
        backends: Of ``numpy``, ``torch`` and ``jax``, one of the latter two at least;
            the reference takes part in the lockstep in any case.
        seeds: Number of seeds, in one look; None is the recipe's looks.
        device: ``"cpu"`` or ``"cuda"``, for torch and JAX.
        data: The user's ``.npz`` file, instead of the recipe's data.
        out: Folder of the results; each recipe has a folder of its name in it.
        quick: Fewer epochs and seeds.
        resume: Keep the cells that an interrupted run finished.
        console: Where to print.
        workers: Processes that compute; with 1 it is this one.
        cache: Folder of results by content; None neither reads nor writes.
        record: Folder for ``<recipe>.json``, the outcome without what is long.

    Returns:
        Exit status: 0 outcomes agree, 1 they do not or nothing was compared, 2 the
        harness itself is at fault, 130 interrupted.

    Raises:
        UsageError: What was asked for does not exist or cannot be run here.
    """
    names = list(dict.fromkeys(recipes)) or list(RECIPES)
    _check(backends, seeds, workers)
    requests = [
        _request(name, backends, seeds, device, data, quick=quick) for name in names
    ]
    if record:
        # Not after hours.
        with _writing_to("--record", record):
            pass
    few = RECIPES[names[0]].statistics.minimum_seeds
    if seeds is not None and seeds < few and len(backends) > 1:
        console.print(f"--seeds {seeds}: fewer than {few} never show equivalence.")
    unseen = canaries.missed()
    if unseen:
        reason = f"the harness does not see: {'; '.join(unseen)}"
        console.print(f"{reason}; nothing it says can be believed.", soft_wrap=True)
        return 2
    kept, finished, status = Cache(cache), [], 0
    with make_workers(workers) as running:
        for name, request in zip(names, requests, strict=True):
            if len(names) > 1:
                console.print(f"{name}, {names.index(name) + 1} of {len(names)}")
            folder, start = out / name, time.monotonic()
            with _writing_to("--out", folder):
                path = folder / "cells.jsonl"
                journal = Journal(path, request.conditions, resume=resume)
            try:
                outcome = _outcome(request, running, journal, kept, console)
                _write(outcome, folder, record)
            except KeyboardInterrupt:
                return interrupted(console, f"{len(journal)} cells", journal.path)
            status = max(status, _report(outcome, folder, console))
            seconds = time.monotonic() - start
            finished.append((outcome, seconds, folder / "outcome.json"))
    if len(finished) > 1:
        overview(console, finished)
    return status


def _check(backends: tuple[str, ...], seeds: int | None, workers: int) -> None:
    for option, number in (("--seeds", seeds), ("--workers", workers)):
        if number is not None and number < 1:
            raise UsageError(f"{option}: must be >= 1, got {number}.")
    if backends == (REFERENCE,):
        raise UsageError(
            f"--backends: expected torch or jax, got {REFERENCE} alone, which is what "
            "they are compared with."
        )


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
    require(backends, device)
    recipe = RECIPES[name].quick() if quick else RECIPES[name]
    recipe = recipe if seeds is None else recipe.with_seeds(seeds)
    if data is None:
        plans = [(plan, SOURCES[plan.source](**plan.options)) for plan in recipe.data]
        return Request(recipe, plans, backends, device, quick, None)
    plan = recipe.user_data
    problem = user_file(data, task=recipe.task, **plan.options)
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    return Request(recipe, [(plan, problem)], backends, device, quick, digest)


def _outcome(
    request: Request,
    workers: Inline | Pool,
    journal: Journal,
    cache: Cache,
    console: Console,
) -> dict[str, Any]:
    conditions = request.conditions
    memory = Memory(
        journal,
        cache,
        source=conditions["source"],
        data_digest=request.data_digest,
    )
    studies = request.studies()
    with one_thread_each(request.backends):
        drive(list(studies.values()), workers, memory, console)
    found = {name: study.found() for name, study in studies.items()}
    return conclude(conditions, found, quick=request.quick)


def _write(outcome: dict[str, Any], folder: Path, record: Path | None) -> None:
    with _writing_to("--out", folder):
        (folder / "outcome.json").write_text(as_json(outcome, indent=1))
        plot_outcome(outcome, folder)
    if record:
        with _writing_to("--record", record):
            write_record(outcome, record)


@contextmanager
def _writing_to(option: str, folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or error
        raise UsageError(f"{option}: cannot write {folder} ({reason}).") from error


def _report(outcome: dict[str, Any], folder: Path, console: Console) -> int:
    for name, found in outcome["data"].items():
        show(console, name, found, outcome["recipe"]["task"])
    for failure in outcome["failures"]:
        console.print(failure, style="red", markup=False, soft_wrap=True)
    console.print(
        f"\n{outcome['verdict']}: {folder / 'outcome.json'}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return 1 if outcome["failures"] else 0
