"""Whether trained logits lie on the line through those that theory predicts."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit, softmax

Array = NDArray[np.float64]

# Log-odds beyond this are no one's concern: their examples weigh nothing.
_LEAST = 1e-12


class Fit(NamedTuple):
    """A line through trained logits over predicted ones.

    Attributes:
        slope: Common to all columns; 1 where training ends at the minimiser.
        offset: Height of each column over what is predicted, where examples are
            undecided, ``(G,)``; 0 at the minimiser.
    """

    slope: float
    offset: Array


def fit(trained: Array, predicted: Array, information: Array) -> Fit:
    """Fits a line with one slope, and one height for each column.

    Args:
        trained: Shaped ``(N, G)``.
        predicted: Likewise.
        information: Weight of each element.
    """
    total = information.sum(axis=0)
    x = predicted - (information * predicted).sum(axis=0) / total
    slope = (information * x * trained).sum() / (information * x * x).sum()
    offset = (information * (trained - predicted)).sum(axis=0) / total
    return Fit(float(slope), offset)


def information(posterior: Array) -> Array:
    r"""Returns what a label tells of its log-odds, :math:`\eta (1 - \eta)`.

    Where nearly all labels are alike, none of them tells how nearly: a network follows
    its neighbours there, whatever the loss.
    """
    return posterior * (1.0 - posterior)


def log_odds(posterior: Array) -> Array:
    """Returns log-odds that are finite, of classes each against all others."""
    return logit(np.clip(posterior, _LEAST, 1.0 - _LEAST))


def columns(logits: Array, *, exclusive: bool) -> Array:
    """Returns log-odds of a column for each label or class, ``(N, G)``.

    Of exclusive classes, those of each against the others: they do not depend on the
    constant that softmax ignores, nor on the logit of a class that is as good as
    impossible, as centred logits do.
    """
    if exclusive:
        return log_odds(softmax(logits, axis=-1))
    bound = logit(1.0 - _LEAST)
    return np.clip(logits.reshape(len(logits), -1), -bound, bound)
