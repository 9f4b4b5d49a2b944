"""What a threshold is searched for: formulas on the counts at every cut."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refimpl._inputs import hyperparameter
from refimpl._validate import check_choice

# Squares of beta and products with counts stay finite below.
_LARGEST = 1e100
# Which objectives read an option; elsewhere it must keep its default.
_READ_BY = {
    "beta": (1.0, ("fbeta",)),
    "cost_false_positive": (1.0, ("cost",)),
    "cost_false_negative": (1.0, ("cost",)),
    "bound": (None, ("recall_at_precision", "precision_at_recall")),
}


class Counts(NamedTuple):
    """The confusion matrix at each cut, in examples or in their weights.

    Attributes:
        true_positives: Positives at or above each cut, ``(K,)``.
        false_positives: Negatives at or above each cut, ``(K,)``.
        positives: All positives.
        negatives: All negatives.
    """

    true_positives: NDArray
    false_positives: NDArray
    positives: float
    negatives: float


class Objective(NamedTuple):
    """A formula to maximise or to minimise, and what must hold beside it.

    Attributes:
        score: The formula, one number per cut.
        sign: 1 where the largest score is best, -1 where the smallest is.
        limited: The rate that must reach ``bound``; None where nothing must.
        bound: The least value of that rate.
        needs: The classes without which the score says nothing.
    """

    score: Callable[[Counts], NDArray]
    sign: int = 1
    limited: Callable[[Counts], NDArray] | None = None
    bound: float = 0.0
    needs: tuple[str, ...] = ("positives",)

    def defined(self, counts: Counts) -> bool:
        """Tells whether every class is there that the score needs."""
        return all(getattr(counts, name) > 0 for name in self.needs)

    def rates(self, counts: Counts) -> NDArray:
        """Returns the scores and, where there is a bound, the limited rate below."""
        rows = [self.score] if self.limited is None else [self.score, self.limited]
        return np.stack([row(counts) for row in rows])

    def best(self, rates: NDArray) -> tuple[int, bool]:
        """Returns the index of the best cut, the highest among equals.

        Also tells whether it meets the bound; where no cut does, the nearest count.
        """
        gains, met = self.sign * rates[0], True
        if self.limited is not None:
            met = bool(rates[1].max() >= self.bound)
            allowed = rates[1] >= (self.bound if met else rates[1].max())
            gains = np.where(allowed, gains, -np.inf)
        return gains.size - 1 - int(np.argmax(gains[::-1])), met


def make_objective(name: str, **options: Any) -> Objective:
    """Checks the options of a search and returns its objective."""
    check_choice("objective", name, _OBJECTIVES)
    for option, (default, readers) in _READ_BY.items():
        value = options[option]
        if name not in readers:
            if value is not default and value != default:
                raise ValueError(
                    f"{option} must be {default} unless objective is "
                    f"{' or '.join(map(repr, readers))}, got {value!r} with {name!r}."
                )
        elif value is None:
            raise ValueError(f"{option} must be in [0, 1] with {name!r}, got None.")
        else:
            high = 1.0 if option == "bound" else _LARGEST
            options[option] = float(hyperparameter(option, value, high=high))
    return _OBJECTIVES[name](options)


def _ratio(part: NDArray, whole: Any) -> NDArray:
    """Divides a part by its whole; nothing out of nothing is 0."""
    return part / np.where(whole > 0, whole, 1.0)


def _recall(counts: Counts) -> NDArray:
    return _ratio(counts.true_positives, counts.positives)


def _precision(counts: Counts) -> NDArray:
    return _ratio(counts.true_positives, counts.true_positives + counts.false_positives)


def _f_beta(counts: Counts, beta: float) -> NDArray:
    selected = counts.true_positives + counts.false_positives
    square = beta * beta
    gained = (1.0 + square) * counts.true_positives
    return _ratio(gained, square * counts.positives + selected)


def _youden(counts: Counts) -> NDArray:
    # One division: counts that tie exactly also tie in floating point.
    positives, negatives = counts.positives or 1.0, counts.negatives or 1.0
    gained = counts.true_positives * negatives - counts.false_positives * positives
    return gained / (positives * negatives)


def _balanced_accuracy(counts: Counts) -> NDArray:
    return (1.0 + _youden(counts)) / 2.0


def _cost(counts: Counts, false_positive: float, false_negative: float) -> NDArray:
    missed = counts.positives - counts.true_positives
    spent = false_positive * counts.false_positives + false_negative * missed
    return _ratio(spent, counts.positives + counts.negatives)


_BOTH = ("positives", "negatives")
_OBJECTIVES: dict[str, Callable[[dict[str, Any]], Objective]] = {
    "f1": lambda _: Objective(lambda c: _f_beta(c, 1.0)),
    "fbeta": lambda o: Objective(lambda c: _f_beta(c, o["beta"])),
    "youden": lambda _: Objective(_youden, needs=_BOTH),
    "balanced_accuracy": lambda _: Objective(_balanced_accuracy, needs=_BOTH),
    "cost": lambda o: Objective(
        lambda c: _cost(c, o["cost_false_positive"], o["cost_false_negative"]),
        sign=-1,
        needs=(),
    ),
    "recall_at_precision": lambda o: Objective(
        _recall, limited=_precision, bound=o["bound"]
    ),
    "precision_at_recall": lambda o: Objective(
        _precision, limited=_recall, bound=o["bound"]
    ),
}
