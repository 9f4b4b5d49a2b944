"""The catalogue of planted faults and valid controls, which is data.

Every entry names what is wrong, the clause of the specification that it offends, and
the case that must find it out. Functions are named, not imported: reading the
catalogue needs no framework.
"""

import importlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from conformance.adapters.resolve import IMPLEMENTATIONS

FOLDER = Path(__file__).parent
FAULT, CONTROL, HARNESS = "fault", "control", "harness"
CATEGORIES = (
    "gradient",
    "parameter",
    "stability",
    "reduction",
    "semantics",
    "values",
    "bad_input",
    "dtype",
    "transforms",
    "distributed",
    "training",
)


@dataclass(frozen=True)
class Case:
    """The case that must find a fault out.

    Attributes:
        select: Glob of groups, points, sums or checks, without the operation.
        dtype: Dtype of the inputs.
        output: Glob of the outputs of which one must fail.
        profile: Profile that asks.
        transform: How the framework runs the function.
    """

    select: str
    dtype: str = "float32"
    output: str = "value"
    profile: str = "accuracy"
    transform: str = "eager"

    @property
    def text(self) -> str:
        """The case as reports show it."""
        return (
            f"{self.select} ({self.profile}, {self.output}, {self.dtype}, "
            f"{self.transform})"
        )


@dataclass(frozen=True)
class Mutant:
    """A function that is wrong, or one that is right though written otherwise.

    Attributes:
        kind: ``"fault"`` or ``"control"``.
        backend: ``"numpy"``, ``"torch"`` or ``"jax"``.
        operation: The operation that it stands in for.
        category: What kind of fault it is; ``"control"`` for a control.
        what: What is wrong, in one sentence; of a control, what is other.
        clause: Clause of the specification that is offended; empty for a control.
        function: ``module:name`` within this package.
        case: The case that must find it out; of a control, nothing.
    """

    kind: str
    backend: str
    operation: str
    category: str
    what: str
    function: str
    clause: str = ""
    case: Case = field(default_factory=lambda: Case("*"))

    @property
    def name(self) -> str:
        """Backend, operation and function."""
        own = self.function.partition(":")[2].replace("_", "-")
        where = "training" if self.trains else self.operation
        return f"{self.backend}/{where}/{own}"

    @property
    def trains(self) -> bool:
        """Whether it is a program that trains, and no function."""
        return self.case.profile == "training"

    def planted(self) -> Any:
        """Returns what the catalogue names."""
        place, _, name = self.function.partition(":")
        return getattr(importlib.import_module(f"conformance.mutants.{place}"), name)

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Returns what an adapter is made of.

        In NumPy ``<name>_grad`` is the gradient; where one of the two is absent, the
        reference's own stands in its place.
        """
        place, _, name = self.function.partition(":")
        module = importlib.import_module(f"conformance.mutants.{place}")
        if self.backend != "numpy":
            return {self.operation: getattr(module, name)}
        own = self.unbroken()
        return {
            known: getattr(module, known.replace(self.operation, name), function)
            for known, function in own.items()
        }

    def unbroken(self) -> dict[str, Callable[..., Any]]:
        """Returns the right functions in their place."""
        module = importlib.import_module(IMPLEMENTATIONS[self.backend])
        names = (self.operation, f"{self.operation}_grad")
        return {name: getattr(module, name) for name in names if hasattr(module, name)}


@cache
def mutants() -> tuple[Mutant, ...]:
    """Reads the catalogue of functions: faults first, then controls."""
    found = []
    for backend in IMPLEMENTATIONS:
        for path in sorted(FOLDER.glob(f"{backend}*.toml")):
            found += [_mutant(row, FAULT, backend) for row in _rows(path, FAULT)]
    training = _rows(FOLDER / "training.toml", FAULT)
    found += [_mutant(row, FAULT, row["backend"]) for row in training]
    for row in _rows(FOLDER / "controls.toml", CONTROL):
        found.append(_mutant({"category": CONTROL, **row}, CONTROL, row["backend"]))
    return tuple(found)


def _rows(path: Path, key: str) -> list[dict[str, Any]]:
    return tomllib.loads(path.read_text(encoding="utf-8")).get(key, [])


def _mutant(row: Mapping[str, Any], kind: str, backend: str) -> Mutant:
    given = {k: v for k, v in row.items() if k not in ("backend", "case")}
    case = Case(**row.get("case", {"select": "*"}))
    return Mutant(kind=kind, backend=backend, case=case, **given)
