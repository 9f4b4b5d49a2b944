"""Early stopping: a pure state machine, updated once an epoch."""

import math
from typing import Any, NamedTuple

from refimpl import _validate
from refimpl._inputs import hyperparameter


class EarlyStopping(NamedTuple):
    """State of :func:`early_stopping`.

    Attributes:
        best: Best metric so far; NaN before there is one.
        best_step: Index of the call that brought it, from 0; -1 before there is one.
        since_best: Calls since then.
        improved: Whether the last call brought it: keep the parameters.
        stop: Whether to stop.
    """

    best: float
    best_step: int
    since_best: int
    improved: bool
    stop: bool


def init_early_stopping() -> EarlyStopping:
    """Returns the state before the first epoch.

    Returns:
        A state that goes with either mode.

    Example:
        >>> init_early_stopping()
        EarlyStopping(best=nan, best_step=-1, since_best=0, improved=False, stop=False)
    """
    return EarlyStopping(math.nan, -1, 0, improved=False, stop=False)


def early_stopping(
    state: EarlyStopping,
    metric: Any,
    *,
    patience: Any,
    min_delta: Any = 0.0,
    mode: str = "max",
) -> EarlyStopping:
    r"""Tells when a metric has not improved for a while.

    .. math::
        m > b + \delta \;(\text{max}) \quad\text{or}\quad m < b - \delta\;(\text{min})

    is an improvement of m on the best b; as many calls in a row without one as
    ``patience`` stop.

    Args:
        state: As from :func:`init_early_stopping` or the previous call.
        metric: Validation metric of the epoch.
        patience: Calls without improvement to stop after, >= 0 and finite. The first
            of them already stops at 1, and at 0, which is no less.
        min_delta: What :math:`\delta` >= 0 an improvement must exceed.
        mode: ``"max"``: larger is better. ``"min"``: smaller is.

    Returns:
        The next state. In torch its parts are on the device of the metric, ``best`` in
        float64, and carry no derivative; in JAX ``best`` has the default dtype.

    Raises:
        TypeError: An argument is not a number.
        ValueError: ``mode`` unknown, or a number out of range.

    Convention:
        A metric that is NaN, or infinite on the bad side, never improves and is never
        stored, also if it is the first; one that is infinite on the good side is the
        best there is. A state that stopped stays as it is, but for ``improved``, which
        is false: a loop that runs on, such as a scan, ends with what a loop that breaks
        ends with. Keras and Lightning count patience alike, but Keras stores a first
        NaN, on which nothing improves, and Lightning stops at once at a metric that is
        not finite, unless told otherwise. Flax stops a call later.

    Example:
        >>> state = init_early_stopping()
        >>> for f1 in (0.5, 0.7, float("nan"), 0.7, 0.9):
        ...     state = early_stopping(state, f1, patience=2)
        >>> state
        EarlyStopping(best=0.7, best_step=1, since_best=2, improved=False, stop=True)
    """
    _validate.check_choice("mode", mode, _validate.MODES)
    _validate.check_scalar("metric", metric)
    patience = hyperparameter("patience", patience)
    delta = float(hyperparameter("min_delta", min_delta))
    if state.stop:
        return state._replace(improved=False)
    sign = 1.0 if mode == "max" else -1.0
    least = -math.inf if math.isnan(state.best) else sign * state.best + delta
    metric = float(metric)
    if sign * metric > least:
        best_step = state.best_step + state.since_best + 1
        return EarlyStopping(metric, best_step, 0, improved=True, stop=False)
    since = state.since_best + 1
    return state._replace(
        since_best=since, improved=False, stop=bool(since >= patience)
    )
