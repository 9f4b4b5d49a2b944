"""PyTorch's optimisers with no constant left to a default; see ``refimpl.optimizers``.

SGD and Adam run fused: fastest, and the same code for one tensor and for many. Fused
optimisers take no sparse gradients.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from refimpl._validate_optimizers import check_constants


def sgd(
    parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
    *,
    learning_rate: float,
    momentum: float,
    nesterov: bool,
    weight_decay: float,
) -> torch.optim.SGD:
    """Makes an optimiser of the updates of :func:`refimpl.optimizers.sgd`."""
    check_constants(
        learning_rate=learning_rate,
        momentum=momentum,
        nesterov=nesterov,
        weight_decay=weight_decay,
    )
    return torch.optim.SGD(
        parameters,
        lr=learning_rate,
        momentum=momentum,
        dampening=0.0,
        weight_decay=weight_decay,
        # Without momentum it changes nothing, and torch refuses it.
        nesterov=nesterov and momentum > 0,
        maximize=False,
        foreach=False,
        differentiable=False,
        fused=True,
    )


def adam(
    parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
    *,
    learning_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> torch.optim.Adam:
    """Makes an optimiser of the updates of :func:`refimpl.optimizers.adam`."""
    options = _adam_options(learning_rate, beta1, beta2, eps, weight_decay)
    return torch.optim.Adam(parameters, decoupled_weight_decay=False, **options)


def adamw(
    parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
    *,
    learning_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> torch.optim.AdamW:
    """Makes an optimiser of the updates of :func:`refimpl.optimizers.adamw`."""
    options = _adam_options(learning_rate, beta1, beta2, eps, weight_decay)
    return torch.optim.AdamW(parameters, **options)


def rmsprop(
    parameters: Iterable[Tensor] | Iterable[dict[str, Any]],
    *,
    learning_rate: float,
    decay: float,
    eps: float,
    eps_inside_root: bool,
    centered: bool,
    momentum: float,
    weight_decay: float,
) -> torch.optim.RMSprop:
    """Makes an optimiser of the updates of :func:`refimpl.optimizers.rmsprop`.

    Raises:
        ValueError: ``eps_inside_root``, which torch does not have, or a constant out of
            range.
    """
    check_constants(
        learning_rate=learning_rate,
        decay=decay,
        eps=eps,
        eps_inside_root=eps_inside_root,
        centered=centered,
        momentum=momentum,
        weight_decay=weight_decay,
    )
    if eps_inside_root:
        raise ValueError(
            "eps_inside_root must be False: torch.optim.RMSprop adds eps outside, "
            "got True."
        )
    return torch.optim.RMSprop(
        parameters,
        lr=learning_rate,
        alpha=decay,
        eps=eps,
        weight_decay=weight_decay,
        momentum=momentum,
        centered=centered,
        capturable=False,
        foreach=False,
        maximize=False,
        differentiable=False,
    )


def _adam_options(
    learning_rate: float, beta1: float, beta2: float, eps: float, weight_decay: float
) -> dict[str, Any]:
    """Checks the constants of Adam, and names what both forms of it share."""
    check_constants(
        learning_rate=learning_rate,
        beta1=beta1,
        beta2=beta2,
        eps=eps,
        weight_decay=weight_decay,
    )
    return {
        "lr": learning_rate,
        "betas": (float(beta1), float(beta2)),
        "eps": eps,
        "weight_decay": weight_decay,
        "amsgrad": False,
        "foreach": False,
        "maximize": False,
        "capturable": False,
        "differentiable": False,
        "fused": True,
    }
