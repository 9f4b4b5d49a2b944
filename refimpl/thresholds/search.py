"""One threshold for one class: the search and its full description."""

from typing import NamedTuple

from numpy.typing import ArrayLike

from refimpl.thresholds.cuts import Data, candidates, checked, count
from refimpl.thresholds.objectives import Objective, make_objective


class Threshold(NamedTuple):
    """A threshold and what it achieves.

    Attributes:
        value: Predict positive where ``score >= value``. Always finite, and a number
            of the dtype of the scores, so it compares alike there and in float64.
        score: The objective on the data that was searched; for ``"cost"`` the expected
            cost of an example, which is small where it is good.
        attained: Whether the bound is met and the classes are there that the
            objective needs.
    """

    value: float
    score: float
    attained: bool


def search_threshold(
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
) -> Threshold:
    r"""Finds the threshold on scores that is best for an objective.

    With TP and FP counted where score >= t, P positives and N negatives:

    .. math::
        F_\beta = \frac{(1 + \beta^2)\,TP}{\beta^2 P + TP + FP},\quad
        J = \frac{TP}{P} - \frac{FP}{N},\quad
        \text{cost} = \frac{c_{FP}\,FP + c_{FN}\,(P - TP)}{P + N}

    Args:
        scores: Logits or probabilities, ``(N,)``, N >= 1, finite; float16, float32 or
            float64 (integers count as float64).
        labels: 0 or 1 of any dtype, shaped like ``scores``.
        objective: ``"f1"``; ``"fbeta"``; ``"youden"``, J = TPR - FPR;
            ``"balanced_accuracy"``, (1 + J) / 2; ``"cost"``, minimised;
            ``"recall_at_precision"``, the largest recall where precision is at least
            ``bound``; ``"precision_at_recall"``, the largest precision where recall is.
        beta: Weight of recall against precision in ``"fbeta"``, in [0, 1e100].
        cost_false_positive: Cost of a false alarm in ``"cost"``, in [0, 1e100].
        cost_false_negative: Cost of a missed positive in ``"cost"``, in [0, 1e100].
        bound: The least precision or recall, in [0, 1]; only where it is read.
        method: ``"exact"`` tries every cut; ``"grid"`` tries the usual 0.01,
            0.02 ... 0.99, that is i / 100 rounded to the dtype of the scores, and
            takes probabilities only.
        sample_weight: Weight >= 0 of each example in every count, shaped like
            ``scores``. ``None`` means 1.

    Returns:
        The threshold, its score, and whether it attains what was asked for.

    Raises:
        TypeError: ``scores`` are no real floating-point numbers, or an option is of
            the wrong kind.
        ValueError: Shapes unequal or empty, scores not finite or outside [0, 1] for the
            grid, labels not 0 or 1, an option out of range, or one that the objective
            does not read.

    Convention:
        Prediction is ``score >= value``; examples with equal scores go together. Among
        equal objectives the highest threshold wins: it predicts the fewest positives.
        The exact value is therefore the score of a positive, or the next number above
        the largest score, which predicts nothing (never infinity: where the dtype ends
        there, the largest score itself; never subnormal: hardware may flush that to 0).
        Nothing out of nothing is 0: precision where nothing is predicted, and the
        rates of an absent class. So without positives the exact threshold predicts
        nothing. Where no cut meets the bound, ``attained`` is False and the threshold
        is the one that comes nearest to it, the best and highest among equals.
        The exact search is never worse than the grid. It sorts once: O(N log N).
        Search on validation data, report on test data.

    Note:
        On calibrated posteriors the best threshold for F1 is F*/2, half the F1 that it
        attains, and for costs :math:`c_{FP} / (c_{FP} + c_{FN})`; ``refimpl.links``
        turns the logits of a weighted or focal loss into such posteriors.

    Example:
        >>> scores, labels = [0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]
        >>> search_threshold(scores, labels)
        Threshold(value=0.35, score=0.8, attained=True)
        >>> search_threshold(scores, labels, objective="cost", cost_false_positive=3)
        Threshold(value=0.8, score=0.25, attained=True)
        >>> search_threshold(scores, labels, objective="precision_at_recall", bound=0.9)
        Threshold(value=0.35, score=0.6666666666666666, attained=True)

    References:
        Lipton, Elkan and Narayanaswamy, 2014, for F*/2.
        https://arxiv.org/abs/1402.1892
        Elkan, 2001, eq. 2, for the threshold of costs.
        Infinite and shifted thresholds elsewhere: scikit-learn issues 4996 and 26193.
    """
    goal = make_objective(
        objective,
        beta=beta,
        cost_false_positive=cost_false_positive,
        cost_false_negative=cost_false_negative,
        bound=bound,
    )
    data = checked(scores, labels, sample_weight, method, axes=1)
    return best_threshold(goal, data, method)


def best_threshold(goal: Objective, data: Data, method: str) -> Threshold:
    """Searches on checked data with one axis."""
    cuts = candidates(data, method)
    counts = count(data, cuts)
    rates = goal.rates(counts)
    best, met = goal.best(rates)
    attained = met and goal.defined(counts)
    return Threshold(float(cuts[best]), float(rates[0, best]), attained)
