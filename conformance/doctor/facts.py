"""What is always said of a file: a row for each class."""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score

from conformance.doctor.balance import balance, class_counts, used_weights
from conformance.scores import Array, Column, Scores
from refimpl.weights import inverse_frequency


@dataclass(frozen=True)
class Fact:
    """Numbers of one class against the rest; None where there are none.

    Attributes:
        name: Of the class.
        positives: Its examples.
        rate: Their share.
        expected: Weight of positives that balances the training examples; of the
            class, where classes exclude each other, with the sum of those used.
        used: Weight that was used.
        probability: Mean probability.
        passing: Share of examples with a probability of one half or more.
        auroc: Area under the receiver operating characteristic.
        average_precision: Area under precision against recall.
    """

    name: str
    positives: int
    rate: float
    expected: float | None
    used: float | None
    probability: float | None
    passing: float | None
    auroc: float | None
    average_precision: float | None


def facts(scores: Scores) -> tuple[Fact, ...]:
    """Works out the numbers of each class.

    Args:
        scores: Of one file, whatever is wrong with it.

    Returns:
        A row for each class.
    """
    expected, used = weights(scores)
    return tuple(
        Fact(
            column.name,
            column.positives,
            column.rate,
            _known(float(expected[k])),
            None if used is None else float(used[k]),
            _known(float(column.probabilities.mean())),
            _known(_passing(column)),
            _known(column.auroc),
            _average_precision(column),
        )
        for k, column in enumerate(scores.columns)
    )


def weights(scores: Scores) -> tuple[Array, Array | None]:
    """Works out expected weights and those that were used, one for each class.

    Args:
        scores: Of one file.

    Returns:
        Weights of positives; of classes where these exclude each other. The second is
        nothing where the file tells of none.
    """
    used = used_weights(scores)
    if scores.task != "multiclass":
        return balance(scores).expected, None if used is None else used[:, 1]
    counts = class_counts(scores)
    if counts is None or not counts.any():
        return np.full(scores.classes, np.nan), None if used is None else used[0]
    expected = inverse_frequency(counts)
    if used is None:
        return expected, None
    return expected * used[0].sum() / scores.classes, used[0]


def _passing(column: Column) -> float:
    if np.isnan(column.probabilities).any():
        return math.nan
    return float((column.probabilities >= 0.5).mean())


def _average_precision(column: Column) -> float | None:
    finite = np.isfinite(column.probabilities).all()
    if not (column.positives and finite):
        return None
    return float(average_precision_score(column.truth, column.probabilities))


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
