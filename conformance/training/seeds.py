"""Seeds of one strategy on one backend, trained together and then measured."""

from collections.abc import Sequence
from typing import Any

from conformance.training import metrics, pictures, theory
from conformance.training.backends import MakeTrainer, make_trainer
from conformance.training.data import Problem, resampled
from conformance.training.feed import RESAMPLING, first_parameters
from conformance.training.predictions import predict
from conformance.training.recipe import DataPlan, Recipe, Strategy
from conformance.training.session import Session


def run_seeds(
    problem: Problem,
    plan: DataPlan,
    strategy: Strategy,
    recipe: Recipe,
    *,
    backend: str,
    device: str,
    seeds: Sequence[int],
    make: MakeTrainer = make_trainer,
) -> dict[str, Any]:
    """Trains every seed to the last epoch, and measures it.

    Returns:
        Every metric on the test part as a list over seeds (thresholds are searched on
        the validation part), what theory says of the logits, data of the figures, the
        weights of every epoch, and whether it trained.
    """
    session = train_seeds(
        problem,
        plan,
        strategy,
        recipe,
        backend=backend,
        device=device,
        seeds=seeds,
        make=make,
    )
    predictions = predict(session.outcome().logits, problem)
    told = (problem, plan, strategy, predictions, session.history[-1])
    return {
        "seeds": list(seeds),
        "metrics": metrics.measure(problem, predictions),
        "theory": theory.measure(*told),
        "pictures": pictures.measure(*told),
        "weights": session.history,
        **session.progress(recipe.statistics.minimum_fall),
    }


def train_seeds(
    problem: Problem,
    plan: DataPlan,
    strategy: Strategy,
    recipe: Recipe,
    *,
    backend: str,
    device: str,
    seeds: Sequence[int],
    make: MakeTrainer = make_trainer,
) -> Session:
    """Trains every seed to the last epoch."""
    told = resampled(problem, strategy.resampling, RESAMPLING)

    def build(parameters: list[Any]) -> Any:
        return make(
            backend,
            strategy,
            strategy.optimizer or recipe.optimizer,
            parameters,
            told.train,
            dtype="float32",
            device=device,
        )

    session = Session(
        build,
        first_parameters(seeds, told, plan),
        seeds=seeds,
        problem=told,
        plan=plan,
        strategy=strategy,
    )
    for epoch in range(plan.epochs):
        session.train(session.feed(epoch))
        session.end_epoch()
    return session
