"""Known wrong trainings and outcomes that every comparison judges first.

As ``conformance.canaries`` does for the numbers of losses: the reference trains beside
a double of itself, which is as it should be, wrong or dead; and two columns of metrics
are the same, apart or too short to tell.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from conformance.training import equivalence, planting, tiny
from conformance.training.backends import REFERENCE

STRATEGY = "inverse"
MARGIN, SEEDS = 0.01, 10
# Seeds that differ by far less than the margin, so that little of it is noise.
NOISE = MARGIN / 10


def missed() -> list[str]:
    """Names what got another verdict than it is owed; empty if all is seen."""
    return [
        f"{name} is {found!r} instead of {owed!r}"
        for name, owed, found in (*_trainings(), *_outcomes())
        if found != owed
    ]


Expected = Iterator[tuple[str, str, str]]


def _trainings() -> Expected:
    still = tiny.RECIPE.optimizer.with_constants(learning_rate=0.0)
    dead = replace(tiny.RECIPE, optimizer=still)
    wrong = planting.constant(learning_rate=0.03 * (1 + 1e-6))

    def judged(plant: planting.Plant | None, recipe: planting.Recipe) -> str:
        return planting.verdict(REFERENCE, plant, STRATEGY, recipe)[0]

    yield "the same training", "pass", judged(None, tiny.RECIPE)
    yield "a learning rate off by 1e-6", "fail", judged(wrong, tiny.RECIPE)
    yield "a training of nothing", "dead", judged(None, dead)


def _outcomes() -> Expected:
    first = np.linspace(0.7, 0.8, SEEDS)
    near = first + NOISE * np.cos(np.arange(SEEDS))
    columns: Mapping[str, tuple[str, Callable[[], np.ndarray]]] = {
        "the same metrics": (equivalence.EQUIVALENT, lambda: near),
        "metrics apart": (equivalence.DIFFERENT, lambda: near + 3 * MARGIN),
        "lower metrics": (equivalence.DIFFERENT, lambda: near - 3 * MARGIN),
    }
    for name, (owed, second) in columns.items():
        yield name, owed, _compared(first, second())
    yield "few seeds", equivalence.UNDETERMINED, _compared(first[:3], near[:3])


def _compared(first: np.ndarray, second: np.ndarray) -> str:
    statistics = tiny.RECIPE.statistics
    pair = equivalence.paired(
        first, second, margin=MARGIN, level=1.0 - 2.0 * statistics.alpha
    )
    (verdict,) = equivalence.equivalence_verdicts(
        [pair], alpha=statistics.alpha, minimum_seeds=statistics.minimum_seeds
    )
    return verdict
