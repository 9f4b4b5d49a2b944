"""Records of training that claims are judged by."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import conformance
from conformance.errors import UsageError

# What the project keeps of its own full runs, for those who have made none.
RECORDS = Path(conformance.__file__).parent / "records" / "outcomes"


class MissingRunError(Exception):
    """A run that a claim is judged by was not made."""


@dataclass(frozen=True)
class Source:
    """Where numbers were read.

    Attributes:
        recipe: Name of the comparison.
        kept: Whether it is a record of this project, not a run of the reader's.
        file: That holds it.
        quick: Whether it had fewer seeds and epochs than the recipe asks for.
        versions: Of the libraries, by name.
        seeds: Largest number of seeds of any strategy.
    """

    recipe: str
    kept: bool
    file: str
    quick: bool
    versions: Mapping[str, str]
    seeds: int

    def __str__(self) -> str:
        whose = "kept record of this project" if self.kept else "run"
        versions = ", ".join(f"{name} {own}" for name, own in self.versions.items())
        quick = ", quick" if self.quick else ""
        return (
            f"{self.recipe}: {whose} {self.file}, {self.seeds} seeds{quick}; {versions}"
        )


@dataclass(frozen=True)
class Cell:
    """One strategy, trained by one backend on one data set.

    Attributes:
        seeds: Of the runs.
        metrics: By name, one number for each seed.
        theory: Likewise.
        weights: Of every epoch, one for each seed; None where unweighted.
    """

    seeds: tuple[int, ...]
    metrics: Mapping[str, NDArray[np.float64]]
    theory: Mapping[str, NDArray[np.float64]]
    weights: Sequence[Sequence[Any] | None]


class Runs:
    """Outcomes of ``conformance compare``, by recipe."""

    def __init__(self, folder: Path | None, records: Path | None = RECORDS) -> None:
        """Takes the folders.

        Args:
            folder: Where ``compare`` wrote; None looks at the kept records alone.
            records: Of kept records, for recipes that are not in ``folder``.
        """
        self._folder, self._records = folder, records
        self._read: dict[str, tuple[dict[str, Any], Path, bool] | None] = {}

    def source(self, recipe: str) -> Source | None:
        """Says where a recipe's numbers come from; None if there are none."""
        found = self._found(recipe)
        if found is None:
            return None
        record, path, kept = found
        cells = [
            cell
            for data in record["data"].values()
            for row in data["seeds"].values()
            for cell in row.values()
        ]
        return Source(
            recipe=recipe,
            kept=kept,
            file=path.name if kept else str(path),
            quick=bool(record.get("quick")),
            versions=dict(record.get("versions") or {}),
            seeds=max((len(cell["seeds"]) for cell in cells), default=0),
        )

    def data(self, recipe: str) -> Mapping[str, Any]:
        """Returns what is recorded of each data set of a recipe.

        Raises:
            MissingRunError: The recipe was not run.
        """
        found = self._found(recipe)
        if found is None:
            raise MissingRunError(
                f"No run of {recipe}: `conformance compare {recipe}` makes it."
            )
        return found[0]["data"]

    def plan(self, recipe: str, data: str) -> Mapping[str, Any]:
        """Returns how a data set was trained on, as the recipe says."""
        found = self._found(recipe)
        plans = found[0]["recipe"]["data"] if found else []
        return next((plan for plan in plans if plan["name"] == data), {})

    def cells(self, recipe: str, data: str, strategy: str) -> dict[str, Cell]:
        """Returns the cells of a strategy, by backend.

        Args:
            recipe: Name of the comparison.
            data: Name of the data set.
            strategy: Its name; the result is empty where it was not run.
        """
        backends = self.data(recipe)[data]["seeds"]
        return {
            name: _cell(row[strategy])
            for name, row in backends.items()
            if strategy in row
        }

    def _found(self, recipe: str) -> tuple[dict[str, Any], Path, bool] | None:
        if recipe not in self._read:
            self._read[recipe] = self._look(recipe)
        return self._read[recipe]

    def _look(self, recipe: str) -> tuple[dict[str, Any], Path, bool] | None:
        if self._folder is not None:
            path = self._folder / recipe / "outcome.json"
            if path.exists():
                return _load(path), path, False
        if self._records is not None:
            path = self._records / f"{recipe}.json"
            if path.exists():
                return _load(path), path, True
        return None


def _load(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        for data in record["data"].values():
            tuple(data["counts"]["train"])
            for row in data["seeds"].values():
                for cell in row.values():
                    _cell(cell)
    except (AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        raise UsageError(
            f"--outcome: expected what compare writes in {str(path)!r}, got {error!r}."
        ) from error
    return record


def _cell(record: Mapping[str, Any]) -> Cell:
    def numbers(named: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
        # null is a number that JSON does not have: NaN.
        return {name: np.array(own, np.float64) for name, own in named.items()}

    return Cell(
        seeds=tuple(record["seeds"]),
        metrics=numbers(record["metrics"]),
        theory=numbers(record.get("theory") or {}),
        weights=record.get("weights") or (),
    )
