"""Optax's optimisers with no constant left to a default; see ``refimpl.optimizers``.

A learning rate may be a schedule, a function of the number of updates made.

Optax corrects Adam's bias in float32 unless 64-bit types are enabled. What 1 - beta2
loses there, 1e-5 of it at 0.999, stays in the moves: torch and the reference correct in
float64.
"""

from typing import Any

import optax

from refimpl._validate_optimizers import check_constants


def sgd(
    *, learning_rate: Any, momentum: float, nesterov: bool, weight_decay: float
) -> optax.GradientTransformation:
    """Makes a transform of the updates of :func:`refimpl.optimizers.sgd`."""
    _check(
        learning_rate, momentum=momentum, nesterov=nesterov, weight_decay=weight_decay
    )
    return optax.chain(
        optax.add_decayed_weights(weight_decay, mask=None),
        optax.sgd(
            learning_rate, momentum=momentum, nesterov=nesterov, accumulator_dtype=None
        ),
    )


def adam(
    *,
    learning_rate: Any,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> optax.GradientTransformation:
    """Makes a transform of the updates of :func:`refimpl.optimizers.adam`."""
    _check(learning_rate, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
    return optax.chain(
        optax.add_decayed_weights(weight_decay, mask=None),
        optax.adam(
            learning_rate,
            b1=beta1,
            b2=beta2,
            eps=eps,
            eps_root=0.0,
            mu_dtype=None,
            nesterov=False,
        ),
    )


def adamw(
    *,
    learning_rate: Any,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
) -> optax.GradientTransformation:
    """Makes a transform of the updates of :func:`refimpl.optimizers.adamw`."""
    _check(learning_rate, beta1=beta1, beta2=beta2, eps=eps, weight_decay=weight_decay)
    return optax.adamw(
        learning_rate,
        b1=beta1,
        b2=beta2,
        eps=eps,
        eps_root=0.0,
        mu_dtype=None,
        weight_decay=weight_decay,
        mask=None,
        nesterov=False,
    )


def rmsprop(
    *,
    learning_rate: Any,
    decay: float,
    eps: float,
    eps_inside_root: bool,
    centered: bool,
    momentum: float,
    weight_decay: float,
) -> optax.GradientTransformation:
    """Makes a transform of the updates of :func:`refimpl.optimizers.rmsprop`.

    The parts of ``optax.rmsprop``, with the learning rate behind the momentum.
    """
    _check(
        learning_rate,
        decay=decay,
        eps=eps,
        eps_inside_root=eps_inside_root,
        centered=centered,
        momentum=momentum,
        weight_decay=weight_decay,
    )
    scale = optax.scale_by_stddev if centered else optax.scale_by_rms
    return optax.chain(
        optax.add_decayed_weights(weight_decay, mask=None),
        scale(
            decay,
            eps=eps,
            initial_scale=0.0,
            eps_in_sqrt=eps_inside_root,
            bias_correction=False,
        ),
        optax.trace(momentum, nesterov=False, accumulator_dtype=None),
        optax.scale_by_learning_rate(learning_rate, flip_sign=True),
    )


def _check(learning_rate: Any, **constants: Any) -> None:
    if not callable(learning_rate):
        constants["learning_rate"] = learning_rate
    check_constants(**constants)
