"""What is always said of a file: a row for each class."""

import math
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score

from conformance.doctor.balance import balance, used_weights
from conformance.scores import Column, Scores


@dataclass(frozen=True)
class Fact:
    """Numbers of one class against the rest; None where there are none.

    Attributes:
        name: Of the class.
        positives: Its examples.
        rate: Their share.
        expected: Weight of positives that balances the training examples.
        used: Weight that was used; of the class, where classes exclude each other.
        probability: Mean probability.
        passing: Share of examples with a probability of one half or more.
        auroc: Area under the receiver operating characteristic.
        average_precision: Area under precision against recall.
    """

    name: str
    positives: int
    rate: float
    expected: float
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
    expected, used = balance(scores).expected, used_weights(scores)
    if used is not None:
        used = used[0] if scores.task == "multiclass" else used[:, 1]
    return tuple(
        Fact(
            column.name,
            column.positives,
            column.rate,
            float(expected[k]),
            None if used is None else float(used[k]),
            _known(float(column.probabilities.mean())),
            _known(_passing(column)),
            _known(column.auroc),
            _average_precision(column),
        )
        for k, column in enumerate(scores.columns)
    )


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
