"""Thresholds for several classes: one each, or one for all."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl._validate import check_choice
from refimpl.thresholds.cuts import Data, candidates, checked, count
from refimpl.thresholds.objectives import Objective, make_objective
from refimpl.thresholds.search import Threshold, best_threshold

_AVERAGES = ("micro", "macro")


class ClassThresholds(NamedTuple):
    """One threshold per class; the fields are those of :class:`Threshold`.

    Attributes:
        value: Predict class c where ``scores[:, c] >= value[c]``, ``(C,)``.
        score: The objective that each class reaches, ``(C,)``.
        attained: Whether the bound is met and the classes are there that the
            objective needs, ``(C,)``.
    """

    value: NDArray[np.float64]
    score: NDArray[np.float64]
    attained: NDArray[np.bool_]


def search_class_thresholds(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    objective: str = "f1",
    beta: float = 1.0,
    cost_false_positive: float = 1.0,
    cost_false_negative: float = 1.0,
    bound: float | None = None,
    method: str = "exact",
    sample_weight: ArrayLike | None = None,
) -> ClassThresholds:
    """Finds the best threshold of every class on its own.

    Args:
        scores: Logits or probabilities, ``(N, C)``, one column per class.
        labels: 0 or 1, shaped like ``scores``.
        objective: As in :func:`search_threshold`, like all others.
        beta: See there.
        cost_false_positive: See there.
        cost_false_negative: See there.
        bound: See there; it holds in every class.
        method: See there.
        sample_weight: See there.

    Returns:
        Arrays with one entry per column.

    Raises:
        TypeError: As :func:`search_threshold` does.
        ValueError: As :func:`search_threshold` does.

    Convention:
        Each column is searched as :func:`search_threshold` would. A class without
        positives gets a finite threshold too: the exact one predicts nothing.

    Example:
        >>> scores = np.array([[0.9, 0.2], [0.4, 0.1], [0.6, 0.3]])
        >>> found = search_class_thresholds(scores, [[1, 0], [0, 0], [1, 1]])
        >>> found.value.tolist(), found.score.tolist()
        ([0.6, 0.3], [1.0, 1.0])
    """
    goal = make_objective(
        objective,
        beta=beta,
        cost_false_positive=cost_false_positive,
        cost_false_negative=cost_false_negative,
        bound=bound,
    )
    data = checked(scores, labels, sample_weight, method, axes=2)
    found = [best_threshold(goal, column, method) for column in _columns(data)]
    return ClassThresholds(*map(np.array, zip(*found, strict=True)))


def search_global_threshold(
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    average: str = "micro",
    objective: str = "f1",
    beta: float = 1.0,
    cost_false_positive: float = 1.0,
    cost_false_negative: float = 1.0,
    bound: float | None = None,
    method: str = "exact",
    sample_weight: ArrayLike | None = None,
) -> Threshold:
    """Finds the one threshold that is best for all classes together.

    Args:
        scores: Logits or probabilities, ``(N, C)``, one column per class.
        labels: 0 or 1, shaped like ``scores``.
        average: ``"micro"`` pools the counts of all classes; ``"macro"`` takes the mean
            of the objective over the classes.
        objective: As in :func:`search_threshold`, like all others.
        beta: See there.
        cost_false_positive: See there.
        cost_false_negative: See there.
        bound: See there; under ``"macro"`` the mean rate must reach it.
        method: See there.
        sample_weight: See there.

    Returns:
        One threshold for every column, and the averaged score.

    Raises:
        TypeError: As :func:`search_threshold` does.
        ValueError: As :func:`search_threshold` does, or an unknown ``average``.

    Convention:
        A class without positives counts in the macro mean with its rates of 0, so with
        an F1 of 0; scikit-learn does so with ``zero_division=0``. ``attained`` says
        whether the objective is defined in at least one class and the bound is met.
        Means are compared as rounded: one that is exactly equal may lose to another.
        Macro is exact over the scores of all classes: O(NC log NC) and one addition
        per class and score of a positive.

    Example:
        >>> scores = np.array([[0.9, 0.2], [0.4, 0.1], [0.6, 0.3]])
        >>> search_global_threshold(scores, [[1, 0], [0, 0], [1, 1]], average="macro")
        Threshold(value=0.3, score=0.9, attained=True)
    """
    check_choice("average", average, _AVERAGES)
    goal = make_objective(
        objective,
        beta=beta,
        cost_false_positive=cost_false_positive,
        cost_false_negative=cost_false_negative,
        bound=bound,
    )
    data = checked(scores, labels, sample_weight, method, axes=2)
    if average == "micro":
        return best_threshold(goal, data.each(np.ravel), method)
    return _best_mean(goal, data, method)


def _columns(data: Data) -> list[Data]:
    rows = data.each(lambda array: np.ascontiguousarray(array.T))
    classes = range(len(rows.scores))
    return [rows.each(lambda array, c=c: array[c]) for c in classes]


def _best_mean(goal: Objective, data: Data, method: str) -> Threshold:
    cuts, columns = candidates(data, method), _columns(data)
    total, defined = np.zeros((1, 1)), False
    for column in columns:
        rates, known = _rates(goal, column, cuts)
        rates += total
        total, defined = rates, defined or known
    mean = total / len(columns)
    best, met = goal.best(mean)
    return Threshold(float(cuts[best]), float(mean[0, best]), met and defined)


def _rates(goal: Objective, column: Data, cuts: NDArray) -> tuple[NDArray, bool]:
    """Returns the rates of one class at the cuts of all, and if they are defined.

    They change only at a cut right below one of its own scores: those are worked out,
    and hold down to the next.
    """
    below = np.searchsorted(cuts, np.sort(column.scores), side="right") - 1
    below = np.append(below[below >= 0], cuts.size - 1)
    last = below[np.append(below[1:] != below[:-1], True)]
    counts = count(column, cuts[last])
    lengths = np.diff(last, prepend=-1)
    return np.repeat(goal.rates(counts), lengths, axis=1), goal.defined(counts)
