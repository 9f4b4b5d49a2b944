"""Faults of training programs, to be found out by the lockstep.

A fault changes what a backend is given, or the trainer that it makes of it. The right
program of the same backend must pass.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.training import tiny
from conformance.training.backends import REFERENCE, Trainer, make_trainer
from conformance.training.lockstep import run_lockstep
from conformance.training.recipe import Optimizer, Recipe, Strategy

Array = NDArray[np.float64]
Build = Callable[..., Trainer]
Plant = Callable[[Build, dict[str, Any]], Trainer]

# The reference takes part in every lockstep; this is its double that is judged.
DOUBLE = "double"


def verdict(
    subject: str, plant: Plant | None, strategy: str, recipe: Recipe = tiny.RECIPE
) -> tuple[str, int | None]:
    """Trains a backend in lockstep with the reference.

    Args:
        subject: ``"numpy"``, ``"torch"`` or ``"jax"``.
        plant: Makes the trainer; None makes the right one.
        strategy: Name of the strategy.
        recipe: The recipe, of both.

    Returns:
        The verdict, and the number of the update that failed first.
    """
    name = DOUBLE if subject == REFERENCE else subject

    def make(backend: str, *args: Any, **options: Any) -> Trainer:
        if backend != name:
            return make_trainer(backend, *args, **options)
        names = ("strategy", "optimizer", "parameters", "train")
        given = {**dict(zip(names, args, strict=False)), **options}
        build = partial(make_trainer, subject)
        return plant(build, given) if plant else build(**given)

    found = run_lockstep(
        tiny.problem(),
        tiny.PLAN,
        tiny.STRATEGIES[strategy],
        recipe,
        backends=(name,),
        device="cpu",
        make=make,
    )
    return found["verdict"][name], found["first_failure"][name]


def constant(**constants: float) -> Plant:
    """Makes a trainer with other constants of the optimiser."""

    def plant(build: Build, given: dict[str, Any]) -> Trainer:
        optimizer: Optimizer = given["optimizer"].with_constants(**constants)
        return build(**{**given, "optimizer": optimizer})

    return plant


def clipping(eps: float) -> Plant:
    """Makes a trainer that adds another number to the norm of the gradient."""

    def plant(build: Build, given: dict[str, Any]) -> Trainer:
        optimizer: Optimizer = replace(given["optimizer"], clip_eps=eps)
        return build(**{**given, "optimizer": optimizer})

    return plant


def option(name: str, value: float | str) -> Plant:
    """Makes a trainer with another option of the loss."""

    def plant(build: Build, given: dict[str, Any]) -> Trainer:
        strategy: Strategy = given["strategy"]
        options = tuple(sorted({**dict(strategy.options), name: value}.items()))
        return build(**{**given, "strategy": replace(strategy, options=options)})

    return plant
