"""Backends against the reference, update by update in float64.

How far two correct programs may drift apart is a property of the recipe, and measured:
*shadow runs* repeat the reference from first weights moved by one ulp.
"""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.training.backends import REFERENCE, MakeTrainer, make_trainer
from conformance.training.data import Problem, resampled
from conformance.training.feed import RESAMPLING, SHADOWS, first_parameters
from conformance.training.recipe import DataPlan, Lockstep, Recipe, Strategy
from conformance.training.session import Session

Array = NDArray[np.float64]

UNIT_ROUNDOFF = 2.0**-53
_SEED = 0


def run_lockstep(
    problem: Problem,
    plan: DataPlan,
    strategy: Strategy,
    recipe: Recipe,
    *,
    backends: tuple[str, ...],
    device: str,
    make: MakeTrainer = make_trainer,
) -> dict[str, Any]:
    """Trains the reference, its shadows and every backend side by side.

    Returns:
        Distances to the reference after every update, their bound, the horizon, and a
        verdict for each backend: ``"pass"``, ``"fail"``, ``"dead"`` where nothing
        trained, ``"chaotic"`` where the horizon is too short to tell.
    """
    problem = resampled(problem, strategy.resampling, RESAMPLING)
    first = first_parameters([_SEED], problem, plan)
    stacks = {REFERENCE: _with_shadows(first, recipe.lockstep.shadows)}
    stacks |= {name: first for name in backends if name != REFERENCE}
    sessions = {}
    for name, stack in stacks.items():
        build = partial(
            make,
            name,
            strategy,
            strategy.optimizer or recipe.optimizer,
            train=problem.train,
            dtype="float64",
            device=device,
        )
        sessions[name] = Session(
            lambda parameters, build=build: build(parameters=parameters),
            stack,
            seeds=[_SEED] * len(stack[0]),
            problem=problem,
            plan=plan,
            strategy=strategy,
        )
    minimum = recipe.lockstep.minimum_steps
    shadow, distances = _drive(sessions, plan, minimum)
    fall = recipe.statistics.minimum_fall
    progress = {name: session.progress(fall) for name, session in sessions.items()}
    return {
        **_judge(shadow, distances, progress, recipe.lockstep),
        "progress": progress,
        "weights": [
            None if weights is None else weights[0]
            for weights in sessions[REFERENCE].history
        ],
    }


def _with_shadows(first: list[Array], shadows: int) -> list[Array]:
    """Stacks the reference's first parameters with copies moved by one ulp."""
    generator = np.random.default_rng([_SEED, SHADOWS])
    stacked = []
    for array in first:
        signs = generator.choice([-1.0, 1.0], (shadows, *array.shape[1:]))
        stacked.append(np.concatenate([array, array + signs * np.spacing(array)]))
    return stacked


def _drive(
    sessions: dict[str, Session], plan: DataPlan, minimum: int
) -> tuple[Array, dict[str, Array]]:
    """Makes every update in every session; returns shadows' and backends' distances.

    Of few examples more epochs are run, until there are as many updates as a horizon
    must have.
    """
    shadow: list[float] = []
    distances: dict[str, list[float]] = {name: [] for name in sessions}
    del distances[REFERENCE]
    epoch = 0
    while epoch < plan.lockstep_epochs or len(shadow) < minimum:
        told = {
            name: session.feed(epoch, plan.lockstep_batches)
            for name, session in sessions.items()
        }
        for step in range(len(told[REFERENCE].rates)):
            flat = {}
            for name, session in sessions.items():
                session.train(told[name].step(step))
                flat[name] = _flat(session.trainer.parameters())
            reference, *moved = flat.pop(REFERENCE)
            shadow.append(max(_distance(row, reference) for row in moved))
            for name, rows in flat.items():
                distances[name].append(_distance(rows[0], reference))
        for session in sessions.values():
            session.end_epoch()
        epoch += 1
    return np.array(shadow), {name: np.array(d) for name, d in distances.items()}


def _judge(
    shadow: Array,
    distances: dict[str, Array],
    progress: dict[str, dict[str, Any]],
    constants: Lockstep,
) -> dict[str, Any]:
    # fmax would hide a NaN: a shadow that is lost ends the horizon.
    envelope = np.maximum.accumulate(shadow)
    within = envelope <= constants.horizon
    horizon = int(within.size if within.all() else np.argmin(within))
    bound = constants.factor * np.maximum(envelope, constants.floor * UNIT_ROUNDOFF)
    verdicts, first_failures = {}, {}
    for name, distance in distances.items():
        # Negated, so that a distance that is NaN fails.
        failed = np.flatnonzero(~(distance[:horizon] <= bound[:horizon]))
        first_failures[name] = int(failed[0]) + 1 if failed.size else None
        if horizon < constants.minimum_steps:
            verdicts[name] = "chaotic"
        elif not (progress[name]["trained"] and progress[REFERENCE]["trained"]):
            verdicts[name] = "dead"
        else:
            verdicts[name] = "fail" if failed.size else "pass"
    return {
        "shadow": envelope.tolist(),
        "bound": bound.tolist(),
        "distances": {name: distance.tolist() for name, distance in distances.items()},
        "horizon": horizon,
        "first_failure": first_failures,
        "verdict": verdicts,
    }


def _flat(parameters: list[Array]) -> Array:
    """Returns one row of all parameters for each model."""
    return np.concatenate([p.reshape(len(p), -1) for p in parameters], axis=1)


def _distance(parameters: Array, reference: Array) -> float:
    return float(np.linalg.norm(parameters - reference) / np.linalg.norm(reference))
