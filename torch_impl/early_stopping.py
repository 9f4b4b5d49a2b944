"""Early stopping; see :mod:`refimpl.early_stopping`."""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from refimpl import _validate
from torch_impl._scalars import device_of, number, real


class EarlyStopping(NamedTuple):
    """State of :func:`early_stopping`; see :mod:`refimpl.early_stopping`."""

    best: Tensor
    best_step: Tensor
    since_best: Tensor
    improved: Tensor
    stop: Tensor


def init_early_stopping() -> EarlyStopping:
    """Returns the state before the first epoch; see :mod:`refimpl.early_stopping`."""
    return EarlyStopping(
        best=real(math.nan, torch.device("cpu")),
        best_step=torch.tensor(-1),
        since_best=torch.tensor(0),
        improved=torch.zeros((), dtype=torch.bool),
        stop=torch.zeros((), dtype=torch.bool),
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
    device = device_of(metric, *state)
    patience = number("patience", patience, device)
    delta = number("min_delta", min_delta, device)
    metric, best = real(metric, device).detach(), real(state.best, device)
    best_step, since, stopped = (
        torch.as_tensor(part, device=device)
        for part in (state.best_step, state.since_best, state.stop)
    )
    sign = 1 if mode == "max" else -1
    least = torch.where(torch.isnan(best), -math.inf, sign * best + delta)
    improved = (sign * metric > least) & ~stopped
    waited = torch.where(improved, 0, torch.where(stopped, since, since + 1))
    return EarlyStopping(
        torch.where(improved, metric, best),
        torch.where(improved, best_step + since + 1, best_step),
        waited,
        improved,
        stopped | (~improved & (waited >= patience)),
    )
