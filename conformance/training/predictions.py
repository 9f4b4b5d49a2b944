"""What a stack of models says of the parts that it is measured on."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from conformance.training.data import Problem

Array = NDArray[np.float64]

NOISE_SIGMA = 0.1
# One draw for every model of every backend, so that their falls can be subtracted.
NOISE_SEED = 20240601


@dataclass(frozen=True)
class Predictions:
    """Logits of a stack of models, shaped ``(stack, N, ...)``.

    Attributes:
        validation: Of the part that thresholds are searched on.
        test: Of the part that is reported.
        noisy: Of the test part under noise; None where no metric reads it.
        train: Of the training part; None likewise.
    """

    validation: Array
    test: Array
    noisy: Array | None = None
    train: Array | None = None


def predict(logits: Callable[[Array], Array], problem: Problem) -> Predictions:
    """Asks a stack of models for its logits.

    Args:
        logits: From features to logits, as a trainer's.
        problem: Whose features are standardised: noise has a standard deviation of
            ``NOISE_SIGMA`` of theirs.

    Returns:
        All that the measures read.
    """
    validation, test = problem.validation.features, problem.test.features
    noisy = train = None
    if problem.task == "multiclass":
        noise = np.random.default_rng(NOISE_SEED).standard_normal(test.shape)
        noisy = logits(test + NOISE_SIGMA * noise)
        train = logits(problem.train.features)
    return Predictions(logits(validation), logits(test), noisy, train)
