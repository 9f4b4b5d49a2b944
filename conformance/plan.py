"""What a run consists of: implementations, cases and units."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from conformance import vectors
from conformance.adapters import Adapter, Capabilities, resolve
from conformance.budgets import largest_error
from conformance.errors import UsageError
from conformance.profiles import PROFILES, Check, Result, Scope, Unit, thin
from conformance.profiles.forms import compiled_at_once
from conformance.profiles.unit import divisible
from conformance.registry import OPERATIONS
from conformance.vectors import Group, SumCase

Cases = dict[str, tuple[list[Group], list[SumCase]]]


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    impls: Sequence[str] = ("numpy", "torch", "jax")
    profiles: Sequence[str] = tuple(PROFILES)
    select: str = ""
    device: str = "cpu"
    quick: bool = False
    out: Path = Path("report")
    resume: bool = False
    timings: bool = False
    reports: Sequence[str] = ()
    ratchet: Path | None = None

    @property
    def complete(self) -> bool:
        """Whether everything that a run of its size can ask is asked."""
        return not self.select and set(self.profiles) >= set(PROFILES)

    def identity(self) -> dict[str, Any]:
        """The options that decide what is compared."""
        return {
            "impl": list(self.impls),
            "profile": list(self.profiles),
            "select": self.select,
            "device": self.device,
            "quick": self.quick,
        }


@dataclass(frozen=True)
class Judged:
    """An implementation that is ready to be asked."""

    name: str
    adapter: Adapter
    capabilities: Capabilities
    device: str

    @property
    def limit(self) -> float:
        """Largest error that passes; what others are compared with is held to less."""
        return largest_error(self.name)


def choose(options: Options) -> Cases:
    """Loads the vectors and keeps what was selected."""
    chosen: Cases = {}
    for operation in OPERATIONS:
        file = vectors.load(operation)
        groups, sums = list(file.groups), list(file.sums)
        if options.select:
            groups = [g for group in groups for g in _matching(group, options.select)]
            sums = [case for case in sums if fnmatchcase(case.id, options.select)]
        elif _thinned(options):
            groups, sums = thin(groups, sums)
        chosen[operation] = (groups, sums)
    return chosen


def _thinned(options: Options) -> bool:
    """Whether few cases stand for all; what is selected is asked in full."""
    return options.quick and not options.select


def _matching(group: Group, pattern: str) -> Iterator[Group]:
    """Yields a group whose path matches, else what is left of it by matching ids."""
    if fnmatchcase(group.path, pattern):
        yield group
        return
    found = [i for i, point in enumerate(group.ids) if fnmatchcase(point, pattern)]
    if found and not divisible(OPERATIONS[group.path.split("/")[0]], group):
        yield group
    elif found:
        keep = np.array(found)
        yield replace(
            group,
            shape=(len(found),),
            ids=tuple(group.ids[i] for i in found),
            flags=tuple(group.flags[i] for i in found),
            inputs={k: v[keep] for k, v in group.inputs.items()},
            expected={
                k: replace(e, hi=e.hi[keep], lo=e.lo[keep], scale=e.scale[keep])
                for k, e in group.expected.items()
            },
        )


def start(name: str, device: str) -> Judged:
    """Starts an implementation on a device.

    Args:
        name: Implementation, as given to ``--impl``.
        device: ``"cpu"`` or ``"cuda"``.

    Returns:
        The implementation, ready to be asked.

    Raises:
        UsageError: It does not exist, does not start or cannot use the device.
    """
    adapter = resolve(name)
    try:
        capabilities = adapter.start()
    except Exception as error:
        raise UsageError(
            f"--impl {name}: the adapter does not start "
            f"({type(error).__name__}: {error})."
        ) from error
    if device in capabilities.devices:
        return Judged(name, adapter, capabilities, device)
    if capabilities.framework == "numpy":
        return Judged(name, adapter, capabilities, "cpu")
    offered = ", ".join(capabilities.devices)
    raise UsageError(f"--device: {name} can run on {offered} here, got {device!r}.")


def units(
    one: Judged, profile: str, cases: Cases, options: Options
) -> Iterator[Unit | Check]:
    """Yields what a profile asks of an implementation.

    Cases are selected already; checks are selected here, by their path.
    """
    for operation, (groups, sums) in cases.items():
        if operation not in one.capabilities.operations:
            continue
        able = one.capabilities
        scope = Scope(operation, groups, sums, able, quick=options.quick)
        if groups and _thinned(options) and "jit" in able.transforms:
            scope = compiled_at_once(scope)
        for unit in PROFILES[profile](scope):
            selected = not options.select or fnmatchcase(unit.path, options.select)
            if selected or isinstance(unit, Unit):
                yield unit


def missing(one: Judged, cases: Cases) -> Iterator[Result]:
    """Yields a result for each operation that an implementation does not have."""
    for operation in cases:
        if operation not in one.capabilities.operations:
            yield Result(
                impl=one.name,
                profile="all",
                operation=operation,
                group=operation,
                dtype="all",
                transform="all",
                reduction="all",
                output="all",
                status="not_implemented",
                reason="no such operation",
            )


def unreported(
    plan: Iterable[tuple[Judged, Sequence[Unit | Check]]], results: Iterable[Result]
) -> list[str]:
    """Names what was asked and has no result: an answer that got lost on the way.

    Args:
        plan: What is asked of every implementation.
        results: All results.

    Returns:
        Implementation, profile and path of every unit without a result.
    """
    known = {(result.impl, *result.unit_key) for result in results}
    return [
        f"{one.name} {unit.profile} {unit.path}"
        for one, asked in plan
        for unit in asked
        if (one.name, *unit.key) not in known
    ]
