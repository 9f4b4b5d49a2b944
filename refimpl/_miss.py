"""The probability q = 1 - p_t of missing a label, which may be soft."""

import numpy as np
from numpy.typing import NDArray

from refimpl._stable import sigmoid, softplus


def log_q(x: NDArray, y: NDArray) -> NDArray:
    """Returns log q, accurate where q underflows."""
    # A hard label has log q = -softplus(margin), where q itself underflows.
    hard = (y == 0) | (y == 1)
    q = y * sigmoid(-x) + (1 - y) * sigmoid(x)
    log_q = np.log(np.where(hard, 1, q))
    return np.where(hard, -softplus(np.where(y == 1, x, -x)), log_q)


def share_logit(x: NDArray, y: NDArray) -> NDArray:
    """Returns the logit of the share of the positive term, y sigmoid(-x), in q."""
    soft = np.where((y == 0) | (y == 1), 0.5, y)
    logit = np.log(soft) - np.log1p(-soft) - x
    return np.where(y == 1, np.inf, np.where(y == 0, -np.inf, logit))
