"""Asks a planted function for its case, as a run would ask it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from conformance.adapters import Adapter, Capabilities, from_functions
from conformance.adapters.functions import FunctionAdapter
from conformance.budgets import C_MAX
from conformance.mutants.catalogue import Case, Mutant
from conformance.plan import Cases, Options, choose
from conformance.profiles import PROFILES, Check, Result, Scope, Unit, batches, evaluate
from conformance.profiles.forms import compiled_at_once
from conformance.vectors import load

Functions = Mapping[str, Callable[..., Any]]

# Their questions are no points, but are made from all of them.
WITHOUT_POINTS = ("semantics", "bad_input", "determinism", "distributed", "fresh")
BROAD = ("accuracy", "gradients", "reductions", "dtypes", "transforms", "semantics")
# What a control is asked under: vmap also runs code of its own.
TRANSFORMS = {"numpy": ("eager",), "torch": ("eager", "vmap"), "jax": ("eager", "jit")}


class Laboratory:
    """Runs planted functions; processes of shards serve one after the other."""

    def __init__(self) -> None:
        self._shared: dict[str, FunctionAdapter] = {}

    def adapter(self, mutant: Mutant, functions: Functions) -> FunctionAdapter:
        """Returns what runs functions, in the framework of a mutant."""
        if mutant.case.profile != "distributed":
            return from_functions(functions, framework=mutant.backend)
        shared = self._shared.get(mutant.backend)
        if shared is None:
            shared = from_functions(functions, framework=mutant.backend)
            self._shared[mutant.backend] = shared
        shared.functions = dict(functions)
        return shared

    def close(self) -> None:
        """Ends the processes of shards."""
        for adapter in self._shared.values():
            adapter.stop()
        self._shared.clear()

    def of_case(self, mutant: Mutant, functions: Functions) -> list[Result]:
        """Results of the case that must find a fault out.

        Args:
            mutant: Whose case it is.
            functions: The functions in question: those planted, or the right ones.

        Returns:
            Results in the dtype, the transform and the outputs of the case.
        """
        case, adapter = mutant.case, self.adapter(mutant, functions)
        able = replace(
            adapter.start(),
            dtypes=(case.dtype,),
            transforms=tuple({"eager": 0, case.transform: 0}),
        )
        found = _evaluated(_units(mutant.operation, case, able), adapter, mutant.name)
        return [
            result
            for result in found
            if result.transform == case.transform
            and fnmatchcase(result.output, case.output)
        ]

    def broadly(self, mutant: Mutant) -> list[Result]:
        """Results of a control in as many cases as a quick run has, or more."""
        adapter = self.adapter(mutant, mutant.functions())
        able = replace(adapter.start(), transforms=TRANSFORMS[mutant.backend])
        scope = _broad(mutant, able)
        asked = [unit for profile in BROAD for unit in PROFILES[profile](scope)]
        return list(_evaluated(asked, adapter, mutant.name))


def _broad(mutant: Mutant, able: Capabilities) -> Scope:
    """Typical cases; in JAX all cases of the forms that a quick run compiles."""
    file = load(mutant.operation)
    if "jit" in able.transforms:
        groups, sums = list(file.groups), list(file.sums)
        scope = Scope(mutant.operation, groups, sums, able, quick=True)
        return compiled_at_once(scope)
    groups, sums = _chosen("", quick=True)[mutant.operation]
    return Scope(mutant.operation, groups, sums, able, quick=True)


def _units(operation: str, case: Case, able: Capabilities) -> Iterator[Unit | Check]:
    """What the profile of a case asks, of what the case selects."""
    pattern, jit = f"{operation}/{case.select}", case.transform == "jit"
    if case.profile in WITHOUT_POINTS:
        groups, sums = list(load(operation).groups), list(load(operation).sums)
    else:
        groups, sums = _chosen(pattern, quick=False)[operation]
    # Compiled at once, as such code is run, and not every primitive by itself.
    plain = "jit" if jit and case.profile != "transforms" else "eager"
    scope = Scope(operation, groups, sums, able, quick=jit, plain=plain)
    for unit in PROFILES[case.profile](scope):
        if isinstance(unit, Unit) or fnmatchcase(unit.path, pattern):
            yield unit


def _evaluated(
    asked: Iterable[Unit | Check], adapter: Adapter, name: str
) -> Iterator[Result]:
    for batch in batches(asked):
        yield from evaluate(batch, adapter, name, "cpu", C_MAX)


@cache
def _chosen(select: str, *, quick: bool) -> Cases:
    return choose(Options(select=select, quick=quick))
