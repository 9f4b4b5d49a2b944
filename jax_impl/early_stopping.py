"""Early stopping; see :mod:`refimpl.early_stopping`."""

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array

from jax_impl._scalars import number, real
from refimpl import _validate


class EarlyStopping(NamedTuple):
    """State of :func:`early_stopping`; see :mod:`refimpl.early_stopping`."""

    best: Array
    best_step: Array
    since_best: Array
    improved: Array
    stop: Array


def init_early_stopping() -> EarlyStopping:
    """Returns the state before the first epoch; see :mod:`refimpl.early_stopping`."""
    return EarlyStopping(
        best=real(math.nan),
        best_step=jnp.array(-1, jnp.int32),
        since_best=jnp.array(0, jnp.int32),
        improved=jnp.zeros((), bool),
        stop=jnp.zeros((), bool),
    )


def early_stopping(
    state: EarlyStopping,
    metric: Any,
    *,
    patience: Any,
    min_delta: Any = 0.0,
    mode: str = "max",
) -> EarlyStopping:
    """Computes :func:`refimpl.early_stopping.early_stopping`."""
    _validate.check_choice("mode", mode, _validate.MODES)
    _validate.check_scalar("metric", metric)
    patience, delta = number("patience", patience), number("min_delta", min_delta)
    metric, best = real(metric), real(state.best)
    best_step, since = (jnp.asarray(part, jnp.int32) for part in state[1:3])
    stopped = jnp.asarray(state.stop)
    sign = 1 if mode == "max" else -1
    least = jnp.where(jnp.isnan(best), -math.inf, sign * best + delta)
    improved = (sign * metric > least) & ~stopped
    waited = jnp.where(improved, 0, jnp.where(stopped, since, since + 1))
    return EarlyStopping(
        jnp.where(improved, metric, best),
        jnp.where(improved, best_step + since + 1, best_step),
        waited,
        improved,
        stopped | (~improved & (real(waited) >= patience)),
    )
