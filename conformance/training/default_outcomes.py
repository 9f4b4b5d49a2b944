"""Outcomes of training and of layers as functions of one constant, by the reference."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl.bce import binary_cross_entropy_with_logits_grad
from refimpl.gradients import clip_by_global_norm
from refimpl.layers import (
    BatchStatistics,
    batch_norm,
    init_batch_norm,
    layer_norm,
)
from refimpl.optimizers import (
    adamw,
    init_adam,
    init_rmsprop,
    init_sgd,
    rmsprop,
    sgd,
)

Array = NDArray[np.float64]

UPDATES = 200
RATE = 1e-3
ADAM = {"learning_rate": RATE, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
RMSPROP = {
    "learning_rate": RATE,
    "decay": 0.9,
    "eps": 1e-8,
    "eps_inside_root": False,
    "centered": False,
    "momentum": 0.0,
    "weight_decay": 0.0,
}
SGD = {"learning_rate": RATE, "momentum": 0.9, "nesterov": False, "weight_decay": 0.0}
BATCH, MICRO_BATCHES, MAX_NORM, FAN_IN = 8, 4, 0.05, 64


def problem() -> tuple[list[Array], Callable[[list[Array]], list[Array]]]:
    """Returns parameters of a logistic regression, and the gradient at parameters."""
    generator = np.random.default_rng(8)
    features = generator.normal(size=(96, 5)) * [0.1, 0.5, 1.0, 2.0, 5.0]
    truth = features @ generator.normal(size=5)
    # One in eight is positive.
    labels = (truth > np.quantile(truth, 0.875)).astype(float)

    def gradient(parameters: list[Array]) -> list[Array]:
        kernel, bias = parameters
        logits = features @ kernel + bias
        slopes = binary_cross_entropy_with_logits_grad(logits, labels) / len(labels)
        return [features.T @ slopes, np.asarray(slopes.sum())]

    return [generator.normal(size=5), np.asarray(0.3)], gradient


def batches() -> Array:
    """Returns a batch for each update, shaped ``(updates, batch, features)``."""
    drawn = np.random.default_rng(9).normal(size=(UPDATES, BATCH, 3))
    return drawn * [0.2, 1.0, 30.0] + [5.0, -1.0, -40.0]


def trained(update: Callable[..., Any], state: Any) -> Array:
    """Returns the parameters after the updates, side by side."""
    parameters, gradient = problem()
    for _ in range(UPDATES):
        parameters, state = update(parameters, gradient(parameters), state)
    return np.concatenate([np.ravel(parameter) for parameter in parameters])


def of_adamw(weight_decay: float) -> Array:
    """Trains by AdamW."""
    update = partial(adamw, **ADAM, weight_decay=weight_decay)
    return trained(update, init_adam(problem()[0]))


def of_adam_correction(precision: str) -> Array:
    """Returns the first move of Adam at rate 1, its correction computed so."""
    kind = np.float32 if precision == "in float32" else np.float64
    beta1, beta2, eps = (ADAM[name] for name in ("beta1", "beta2", "eps"))
    left1, left2 = (float(kind(1) - kind(beta)) for beta in (beta1, beta2))
    g = first_gradient()
    return (1 - beta1) * g / left1 / (np.sqrt((1 - beta2) * g * g / left2) + eps)


def first_gradient() -> Array:
    """Returns the gradient before the first update, side by side."""
    parameters, gradient = problem()
    return np.concatenate([np.ravel(part) for part in gradient(parameters)])


def of_rmsprop_decay(decay: float) -> Array:
    """Trains by RMSprop."""
    return _rmsprop(decay=decay)


def of_rmsprop_eps(place: str) -> Array:
    """Trains by RMSprop, eps outside of the root or inside."""
    return _rmsprop(eps_inside_root=place == "inside")


def of_rmsprop_rate(place: str) -> Array:
    """Trains by RMSprop with momentum at a falling rate, which multiplies there."""
    options = {**RMSPROP, "momentum": 0.0, "learning_rate": 1.0}
    momentum = 0.9

    def update(parameters: list[Array], gradients: list[Array], state: Any) -> Any:
        step, own, velocity = state
        rate = falling_rate(step)
        before, after = (1.0, rate) if place == "after momentum" else (rate, 1.0)
        ends, own = rmsprop(parameters, gradients, own, **options)
        rows = list(zip(parameters, ends, velocity, strict=True))
        velocity = [momentum * b + before * (p - end) for p, end, b in rows]
        moved = [p - after * b for p, b in zip(parameters, velocity, strict=True)]
        return moved, (step + 1, own, velocity)

    start = problem()[0]
    return trained(update, (0, init_rmsprop(start), [0.0 * p for p in start]))


def falling_rate(step: Any) -> Any:
    """Returns the learning rate of a step, counted from 0."""
    return RATE * 0.97**step


def of_adagrad(accumulator: float) -> Array:
    """Trains by Adagrad without eps, from this sum of squares on."""

    def update(parameters: list[Array], gradients: list[Array], sums: Any) -> Any:
        sums = [s + g * g for s, g in zip(sums, gradients, strict=True)]
        rows = zip(parameters, gradients, sums, strict=True)
        return [p - RATE * g / np.sqrt(s) for p, g, s in rows], sums

    return trained(update, [np.full_like(p, accumulator) for p in problem()[0]])


def of_clipping(eps: float) -> Array:
    """Trains by SGD with clipped gradients."""
    return _sgd(lambda gradients: clip_by_global_norm(gradients, MAX_NORM, eps=eps)[0])


def of_accumulation(how: str) -> Array:
    """Trains by SGD on micro-batches of equal gradients, by their mean or sum."""
    factor = float(MICRO_BATCHES if how == "sum" else 1)
    return _sgd(lambda gradients: [factor * gradient for gradient in gradients])


def of_batch_norm_momentum(momentum: float) -> Array:
    """Returns the running mean of the batches."""
    return _running(momentum, unbiased=False).mean


def of_batch_norm_variance(kind: str) -> Array:
    """Returns the running variance of the batches."""
    return _running(0.1, unbiased=kind == "unbiased").variance


def of_variance(how: str) -> Array:
    """Returns the variance of float32 values whose mean is 1000 deviations."""
    x = (batches()[:, :, 1] + 1001).astype(np.float32)
    if how == "about the mean":
        return x.var(-1).astype(np.float64)
    spread = (x * x).mean(-1) - x.mean(-1) ** 2
    return np.maximum(spread, 0).astype(np.float64)


def of_layer_norm(eps: float) -> Array:
    """Normalises examples whose deviation is 0.01."""
    return layer_norm(small(), np.ones(FAN_IN), np.zeros(FAN_IN), eps=eps)


def small() -> Array:
    """Returns examples whose deviation is 0.01."""
    return 0.01 * np.random.default_rng(10).normal(size=(BATCH, FAN_IN))


def of_gelu(form: str) -> Array:
    """Computes the Gaussian error linear unit from -4 to 4."""
    x = np.linspace(-4.0, 4.0, 401)
    if form == "tanh":
        return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))
    return x * np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in x])


def of_kernels(variance: str) -> Array:
    """Returns the standard deviation of a layer's first kernel."""
    return np.asarray([FAN_IN * (3 if variance == "1 / 3n" else 1)]) ** -0.5


def _rmsprop(**changed: Any) -> Array:
    update = partial(rmsprop, **{**RMSPROP, **changed})
    return trained(update, init_rmsprop(problem()[0]))


def _sgd(change: Callable[[list[Array]], list[Array]]) -> Array:
    def update(parameters: list[Array], gradients: list[Array], state: Any) -> Any:
        return sgd(parameters, change(gradients), state, **SGD)

    return trained(update, init_sgd(problem()[0]))


def _running(momentum: float, *, unbiased: bool) -> BatchStatistics:
    ones = np.ones(3)
    state = init_batch_norm(ones)
    options = {"momentum": momentum, "eps": 0.0, "unbiased": unbiased}
    for batch in batches():
        _, state = batch_norm(batch, ones, 0 * ones, state, training=True, **options)
    return state
