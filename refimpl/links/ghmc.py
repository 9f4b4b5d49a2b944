"""Link of the gradient-harmonised classification loss at given densities."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl import _validate
from refimpl._stable import sigmoid
from refimpl.links._inputs import from_log_odds, real, to_log_odds
from refimpl.links._roots import keep_infinite


def ghmc_link(posterior: ArrayLike, state: Any, *, log_odds: bool = False) -> NDArray:
    r"""Returns the logits at which GHM-C training rests, at given densities.

    The smallest x whose own weights make it the minimiser:

    .. math::
        x + \log d(\sigma(-x)) - \log d(\sigma(x)) = \log\frac{\eta}{1 - \eta}

    where d is the count of the bin that a gradient norm falls in.

    Args:
        posterior: Probability :math:`\eta` in [0, 1] of label 1, any shape.
        state: Counts and updates of the bins, as :func:`refimpl.ghmc_loss` returns
            them; all counts > 0. Only their proportions count.
        log_odds: As in :func:`refimpl.links.binary_cross_entropy_link`.

    Returns:
        Array shaped like ``posterior``.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A value out of range, or a bin without count, which has no density.

    Convention:
        Counts are taken as they are. The factor of ``debias`` is 1 to rounding once
        every bin was updated 36 / (1 - momentum) times. The left side is x plus a
        step for each pair of bins. Where it jumps up, the posteriors in between share
        the logit of the edge: the gradient points to it from both sides. Where it
        falls, several logits are at rest; the smallest one is returned. The inverse
        is exact but for those edges, where no function could be.
        The density depends on the model: the state must be that of the end of
        training, on all data.

    Example:
        >>> state = np.array([900.0, 60.0, 40.0, 80.0]), np.ones(4, dtype=int)
        >>> x = ghmc_link(np.array([0.01, 0.3, 0.5, 0.9]), state)
        >>> [f"{value:.6f}" for value in x]
        ['-2.174752', '-0.441833', '0.000000', '1.098612']

    References:
        Li et al., 2019, eq. 8. https://arxiv.org/abs/1811.05181
    """
    value = to_log_odds(posterior, log_odds=log_odds)
    step = _steps(state)
    edges = np.arange(len(step) + 1)
    with np.errstate(divide="ignore"):  # the outer edges are infinite
        edges = np.log(edges) - np.log(edges[::-1])
    x = np.full(value.shape, np.nan)
    for j in reversed(range(len(step))):
        inside = value - step[j]
        x = np.where(inside <= edges[j + 1], np.maximum(inside, edges[j]), x)
    return x


def ghmc_posterior(logits: ArrayLike, state: Any, *, log_odds: bool = False) -> NDArray:
    """Returns the posterior at which GHM-C training rests at these logits.

    Args:
        logits: What the trained model says, any shape.
        state: As in :func:`ghmc_link`, like all others.
        log_odds: See there.

    Returns:
        Array shaped like ``logits``.

    Raises:
        TypeError: As the link does.
        ValueError: As the link does.

    Example:
        >>> state = np.array([900.0, 60.0, 40.0, 80.0]), np.ones(4, dtype=int)
        >>> posterior = ghmc_posterior(np.array([-2.0, 0.5]), state)
        >>> [f"{value:.6f}" for value in posterior]
        ['0.011887', '0.712071']
    """
    x = real("logits", logits)
    step = _steps(state)
    last = len(step) - 1
    # As the loss finds its bins, whose last one is closed.
    share = np.where(np.isnan(x), 0, sigmoid(x))
    index = np.minimum(np.floor(share * len(step)), last).astype(int)
    value = keep_infinite(lambda finite: finite + step[index], x)
    return from_log_odds(value, log_odds=log_odds)


def _steps(state: Any) -> NDArray:
    """Returns log d(1 - p) - log d(p) for p in each bin."""
    if not isinstance(state, tuple) or len(state) != 2:
        raise TypeError(
            f"state must be a pair (counts, updates), got {type(state).__name__}."
        )
    counts = np.asarray(state[0], dtype=np.float64)
    _validate.check_state(state, counts.size)
    if not ((counts > 0) & (counts < np.inf)).all():
        raise ValueError(
            "state counts must be finite and > 0, as a bin without examples has no "
            f"density, got {counts.tolist()}."
        )
    return np.log(counts[::-1]) - np.log(counts)
