"""Faults of the harness itself: each must turn the run red.

A fault replaces a function of ``conformance`` wherever it is used, as if it had been
written so, or has an adapter judged that computes nothing.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

Plant = Callable[[], AbstractContextManager[None]]

SUITE, COMPARE = "run", "compare"


@dataclass(frozen=True)
class Harness:
    """A fault of the harness.

    Attributes:
        name: In a few words.
        what: What is wrong, in one sentence.
        plant: Makes it so for a while.
        command: What must turn red: ``"run"`` or ``"compare"``.
        impl: Implementation that is judged.
    """

    name: str
    what: str
    plant: Plant = nullcontext
    command: str = SUITE
    impl: str = "numpy"


@contextmanager
def replaced(original: Any, new: Any) -> Iterator[None]:
    """Replaces a function in every module of the harness that uses it."""
    places = [
        (module, name)
        for key, module in list(sys.modules.items())
        # Not here, where faults ask for the original.
        if key.startswith("conformance.") and not key.startswith(f"{__package__}.")
        for name, value in list(vars(module).items())
        if value is original
    ]
    if not places:
        raise LookupError(f"{original!r} is nowhere in the harness.")
    for module, name in places:
        setattr(module, name, new)
    try:
        yield
    finally:
        for module, name in places:
            setattr(module, name, original)


@contextmanager
def changed(target: Any, **attributes: Any) -> Iterator[None]:
    """Replaces attributes of a class or a module."""
    before = {name: getattr(target, name) for name in attributes}
    for name, value in attributes.items():
        setattr(target, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(target, name, value)


@contextmanager
def updated(table: dict[Any, Any], entries: Mapping[Any, Any]) -> Iterator[None]:
    """Replaces entries of a dictionary."""
    before = dict(table)
    table.update(entries)
    try:
        yield
    finally:
        table.clear()
        table.update(before)
