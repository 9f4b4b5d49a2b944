"""All seeds of one strategy on one backend, trained together and then measured."""

from typing import Any

from conformance.training.backends import MakeTrainer, make_trainer
from conformance.training.data import Problem
from conformance.training.metrics import METRICS, evaluate
from conformance.training.recipe import DataPlan, Recipe, Strategy
from conformance.training.session import Session, batches, first_parameters


def run_seeds(
    problem: Problem,
    plan: DataPlan,
    strategy: Strategy,
    recipe: Recipe,
    *,
    backend: str,
    device: str,
    make: MakeTrainer = make_trainer,
) -> dict[str, Any]:
    """Trains every seed to the last epoch.

    Returns:
        Every metric on the test part as a list over seeds (thresholds are searched on
        the validation part), the weights of every epoch, and whether it trained.
    """
    seeds = range(recipe.seeds)
    trainer = make(
        backend,
        strategy,
        recipe.optimizer,
        first_parameters(seeds, problem, plan),
        problem.train,
        dtype="float32",
        device=device,
    )
    session = Session(trainer, strategy, recipe.dynamic, problem)
    for epoch in range(plan.epochs):
        session.train(batches(seeds, epoch, problem, plan))
        session.end_epoch()
    validation, test = problem.validation, problem.test
    measured = [
        evaluate(test.labels, of_test, (validation.labels, of_validation))
        for of_test, of_validation in zip(
            trainer.logits(test.features),
            trainer.logits(validation.features),
            strict=True,
        )
    ]
    return {
        "metrics": {
            name: [result[name] for result in measured]
            for name in (*METRICS, "threshold")
        },
        "pos_weight": session.history,
        **session.progress(recipe.statistics.minimum_fall),
    }
