"""Seeds per second: our batched training beside the loop that a user would write."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import import_module
from typing import Any

from conformance.bench.contenders import OURS
from conformance.bench.timing import Spread, ratios
from conformance.training.backends import one_thread_each
from conformance.training.data import SOURCES, Problem
from conformance.training.feed import batches, first_parameters
from conformance.training.metrics import measure
from conformance.training.predictions import predict
from conformance.training.recipe import DataPlan, Recipe, Strategy
from conformance.training.recipes import RECIPES
from conformance.training.seeds import run_seeds

RECIPE, STRATEGY = "pos_weight", "inverse"
SEEDS, EPOCHS = 20, 3
ROUNDS = 5
METRIC = "average_precision"
# Both loops see the same batches from the same first parameters; rounding apart, they
# end at the same model. Another order or weight moves this metric by more.
METRIC_BOUND = 0.01
LOOPS = {
    "torch": "conformance.bench.torch_loop",
    "jax": "conformance.bench.jax_loop",
}


def measure_training(
    framework: str,
    device: str,
    *,
    seeds: int = SEEDS,
    epochs: int = EPOCHS,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
    """Times both ways of training the same seeds, in turn.

    What ``conformance compare`` does for a cell is timed as it is: all seeds at once,
    measured on the test part. The plain loop trains one seed after the other, and is
    timed for one; it, too, measures its model, and has compiled its step before.

    Args:
        framework: ``"torch"`` or ``"jax"``.
        device: Where to train.
        seeds: Trained at once.
        epochs: Of each.
        rounds: Samples of both.
        clock: Returns seconds.

    Returns:
        Seeds per second of both with their ratio; plain JSON.
    """
    recipe, problem, plan, strategy = _setting(epochs)

    def batched() -> list[float]:
        found = run_seeds(
            problem,
            plan,
            strategy,
            recipe,
            backend=framework,
            device=device,
            seeds=range(seeds),
        )
        return found["metrics"][METRIC]

    train = import_module(LOOPS[framework]).make(problem, recipe.optimizer, device)

    def plain() -> float:
        order = [batches((0,), epoch, problem, plan)[0] for epoch in range(epochs)]
        first = [layer[0] for layer in first_parameters((0,), problem, plan)]
        return _measured(train(first, order, problem.ratio), problem)

    with one_thread_each((framework,)):
        together, alone = batched()[0], plain()
        if not abs(together - alone) <= METRIC_BOUND:
            raise ValueError(f"{METRIC} is {together:.4f} batched, {alone:.4f} plain")
        times = [(_time(batched, clock), _time(plain, clock)) for _ in range(rounds)]
    rates = {
        f"{OURS} {framework} batched": [seeds / both[0] for both in times],
        f"plain {framework} loop": [1 / both[1] for both in times],
    }
    ours, theirs = rates.values()
    updates = sum(len(batches((0,), e, problem, plan)[0]) for e in range(epochs))
    return {
        "training": f"{RECIPE}/{plan.name}/{STRATEGY}",
        "framework": framework,
        "seeds": seeds,
        "updates": updates,
        "seeds_per_second": {k: asdict(Spread.of(v)) for k, v in rates.items()},
        "speed_up": asdict(ratios(ours, theirs)),
    }


def _setting(epochs: int) -> tuple[Recipe, Problem, DataPlan, Strategy]:
    recipe = RECIPES[RECIPE]
    plan = replace(recipe.data[0], epochs=epochs)
    strategy = next(s for s in recipe.strategies if s.name == STRATEGY)
    return recipe, SOURCES[plan.source](**plan.options), plan, strategy


def _measured(logits: Callable[[Any], Any], problem: Problem) -> float:
    found = predict(lambda features: logits(features)[None], problem)
    return measure(problem, found)[METRIC][0]


def _time(call: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    call()
    return clock() - start
