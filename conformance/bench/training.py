"""Seeds per second: our batched training beside the loop that a user would write."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
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
from conformance.training.seeds import train_seeds

RECIPE, STRATEGY = "pos_weight", "inverse"
SEEDS, EPOCHS = 40, 3
ROUNDS = 5
METRIC = "average_precision"
# All loops see the same batches from the same first parameters; rounding apart, they
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
    against: Sequence[str] = (),
    seeds: int = SEEDS,
    epochs: int = EPOCHS,
    rounds: int = ROUNDS,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
    """Times both ways of training the same seeds, in turn.

    Ours trains all seeds at once, as ``conformance compare`` does. A plain loop trains
    one seed after the other, and is timed for one; it has compiled its step before.

    Args:
        framework: ``"torch"`` or ``"jax"``: whose batched training.
        device: Where to train.
        against: Frameworks of plain loops beside its own.
        seeds: Trained at once.
        epochs: Of each.
        rounds: Samples of every way.
        clock: Returns seconds.

    Returns:
        Seeds per second of all ways, and how many times faster than each plain loop
        ours is; plain JSON.
    """
    recipe, problem, plan, strategy = _setting(epochs)
    order = [batches((0,), epoch, problem, plan)[0] for epoch in range(epochs)]
    first = [layer[0] for layer in first_parameters((0,), problem, plan)]

    def batched() -> Callable[[Any], Any]:
        return train_seeds(
            problem,
            plan,
            strategy,
            recipe,
            backend=framework,
            device=device,
            seeds=range(seeds),
        ).trainer.logits

    def plain(train: Callable[..., Any]) -> Callable[[Any], Any]:
        predictor = train(first, order, problem.ratio)
        return lambda features: predictor(features)[None]

    own, others = f"{OURS} {framework} batched", dict.fromkeys((framework, *against))
    ways = {own: (batched, seeds)}
    for name in others:
        train = import_module(LOOPS[name]).make(problem, recipe.optimizer, device)
        ways[f"plain {name} loop"] = partial(plain, train), 1
    with one_thread_each(tuple(others)):
        _check({way: _measured(run(), problem) for way, (run, _) in ways.items()})
        samples: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            for way, (run, trained) in ways.items():
                samples[way].append(_time(run, clock) / trained)
    rates = {way: [1.0 / second for second in own] for way, own in samples.items()}
    return {
        "training": f"{RECIPE}/{plan.name}/{STRATEGY}",
        "framework": framework,
        "seeds": seeds,
        "updates": sum(len(own) for own in order),
        "samples": samples,
        "seeds_per_second": {k: asdict(Spread.of(v)) for k, v in rates.items()},
        "speed_up": {
            way: asdict(ratios(rates[own], rate))
            for way, rate in rates.items()
            if way != own
        },
    }


def _check(found: dict[str, float]) -> None:
    """Raises ValueError unless all ways trained the same model."""
    together, *alone = found.values()
    if not all(abs(together - other) <= METRIC_BOUND for other in alone):
        told = ", ".join(f"{value:.4f} of the {way}" for way, value in found.items())
        raise ValueError(f"{METRIC} is {told}")


def _setting(epochs: int) -> tuple[Recipe, Problem, DataPlan, Strategy]:
    recipe = RECIPES[RECIPE]
    plan = replace(recipe.data[0], epochs=epochs)
    strategy = next(s for s in recipe.strategies if s.name == STRATEGY)
    return recipe, SOURCES[plan.source](**plan.options), plan, strategy


def _measured(logits: Callable[[Any], Any], problem: Problem) -> float:
    return measure(problem, predict(logits, problem))[METRIC][0]


def _time(call: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    call()
    return clock() - start
