"""Shares of decisions that are right."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]


class Rates(NamedTuple):
    """Rates of each column; nothing out of nothing is 0.

    Attributes:
        precision: Of what is predicted, the share that is true.
        recall: Of what is true, the share that is predicted.
        f1: Their harmonic mean.
        specificity: Of what is false, the share that is not predicted.
    """

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    specificity: NDArray[np.float64]


def rates(true: Flags, predicted: Flags) -> Rates:
    """Counts along the first axis; both are shaped ``(N, ...)``."""
    hits = (true & predicted).sum(axis=0)
    chosen, there = predicted.sum(axis=0), true.sum(axis=0)
    return Rates(
        precision=_share(hits, chosen),
        recall=_share(hits, there),
        f1=_share(2 * hits, chosen + there),
        specificity=_share(len(true) - chosen - there + hits, len(true) - there),
    )


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    return part / np.maximum(whole, 1)
