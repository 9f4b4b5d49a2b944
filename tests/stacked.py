"""A small stack of models to train, the same for every backend."""

from dataclasses import dataclass
from typing import Any

import numpy as np

import refimpl
from refimpl.mlp import init_mlp

ADAMW = {
    "learning_rate": 3e-3,
    "beta1": 0.85,
    "beta2": 0.97,
    "eps": 1e-5,
    "weight_decay": 0.03,
}
SETTINGS: dict[str, Any] = {
    "state": [],
    "optimizer": "adamw",
    "constants": ADAMW,
    "max_norm": 0.5,
    "clip_eps": 1e-6,
    "dropout": 0.0,
    "loss_scale": None,
}
MODELS, STEPS, BATCH, ROWS, WIDTH = 3, 12, 8, 40, 5


@dataclass
class Stacked:
    """First parameters, data and what every update is told."""

    parameters: list[np.ndarray]
    features: np.ndarray
    labels: np.ndarray
    rows: np.ndarray
    feed: dict[str, Any]
    loss: str

    @property
    def given(self) -> tuple[Any, ...]:
        """What a trainer is made of."""
        return self.parameters, self.features, self.labels


def stacked(
    task: str = "binary", *, dropout: float = 0.0, hidden: tuple[int, ...] = (WIDTH,)
) -> Stacked:
    """Returns a problem of one task; all but heat maps have weights."""
    generator = np.random.default_rng(11)
    outputs = {"binary": 1, "multilabel": 4, "multiclass": 3, "heatmap": 1}[task]
    drawn = [init_mlp(generator, (4, *hidden, outputs)) for _ in range(MODELS)]
    rows = generator.integers(0, ROWS, (MODELS, STEPS, BATCH))
    shape = (ROWS, 6) if task == "heatmap" else (ROWS,)
    features = generator.normal(size=(*shape, 4))
    weights: Any = None
    loss = "binary_cross_entropy_with_logits"
    if task == "multiclass":
        labels = generator.integers(0, outputs, ROWS)
        weights, loss = generator.uniform(0.5, 3.0, (MODELS, 1, 3)), "cross_entropy"
    elif task == "heatmap":
        labels = np.minimum(generator.uniform(0.0, 1.2, shape), 1.0)
        loss = "heatmap_focal_loss"
    else:
        size = (ROWS, outputs) if outputs > 1 else (ROWS,)
        labels = (generator.random(size) < 0.3).astype(float)
        own = (MODELS, 1, outputs) if outputs > 1 else (MODELS, 1)
        weights = generator.uniform(1.0, 7.0, own)
    if weights is not None:
        # Another weight at every update.
        growth = np.linspace(1.0, 2.0, STEPS).reshape(
            1, STEPS, *[1] * (weights.ndim - 2)
        )
        weights = weights * growth
    masks = ()
    if dropout:
        masks = tuple(
            generator.random((*rows.shape, width)) >= dropout for width in hidden
        )
    feed = {
        "coefficients": generator.uniform(0.5, 1.5, rows.shape) / BATCH,
        "weights": weights,
        "rates": np.linspace(0.5, 1.5, STEPS),
        "masks": masks,
    }
    parameters = [np.stack(layer) for layer in zip(*drawn, strict=True)]
    return Stacked(parameters, features, labels, rows, feed, loss)


def argument(loss: str) -> str:
    """Returns the keyword of a loss that takes weights."""
    return "class_weights" if loss == "cross_entropy" else "pos_weight"


def reference_loss(name: str, **options: Any):
    """Returns a loss as ``refimpl.train.Trainer`` takes it."""
    value, slope = getattr(refimpl, name), getattr(refimpl, f"{name}_grad")

    def loss(logits, labels, weights, state):
        told = options if weights is None else {argument(name): weights, **options}
        values = value(logits, labels, reduction="none", **told)
        return values, slope(logits, labels, **told), state

    return loss


def framework_loss(package: Any, name: str, **options: Any):
    """Returns a loss as the trainers of PyTorch and JAX take it."""
    value = getattr(package, name)

    def loss(logits, labels, weights, state):
        told = options if weights is None else {argument(name): weights, **options}
        return value(logits, labels, reduction="none", **told), state

    return loss
