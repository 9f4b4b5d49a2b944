"""The bound losses of a stack of models, called as the trainers of a backend do."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from conformance.training.losses import bound, initial_state
from conformance.training.recipe import Mining, Strategy, Weight

BACKENDS = ("numpy", "torch", "jax")
MODELS, BATCH, PLACES, CLASSES = 3, 40, 7, 4
MINING = Mining(fraction=0.2, factor=0.3)

BCE = "binary_cross_entropy_with_logits"
CLASS_WEIGHT = Weight("fixed", "class_weights")
POS_WEIGHT = Weight("fixed")

# One loss with the labels it is for, and the shape of its weights.
Case = tuple[Strategy, str, tuple[int, ...] | None]
CASES: dict[str, Case] = {
    name: (Strategy(name, loss, options, weight, mining=mining), labels, shape)
    for name, loss, options, weight, mining, labels, shape in (
        ("bce", BCE, (), None, None, "hard", None),
        ("bce-weighted", BCE, (), POS_WEIGHT, None, "hard", ()),
        ("bce-smoothed", BCE, (("label_smoothing", 0.1),), None, None, "hard", None),
        ("bce-mined", BCE, (), POS_WEIGHT, MINING, "hard", ()),
        ("bce-multilabel", BCE, (), POS_WEIGHT, None, "multilabel", (CLASSES,)),
        ("multilabel-mined", BCE, (), POS_WEIGHT, MINING, "multilabel", (CLASSES,)),
        (
            "adaptive",
            "adaptive_bce_with_logits",
            (("gamma", 2.0), ("modulator", "weighted_loss")),
            POS_WEIGHT,
            None,
            "hard",
            (),
        ),
        (
            "focal",
            "sigmoid_focal_loss",
            (("alpha", 0.25), ("gamma", 2.0)),
            None,
            None,
            "hard",
            None,
        ),
        (
            "ce",
            "cross_entropy",
            (("label_smoothing", 0.1),),
            CLASS_WEIGHT,
            None,
            "index",
            (CLASSES,),
        ),
        (
            "ce-manual",
            "cross_entropy",
            (("label_smoothing", 0.1), ("smoothing", "off_target")),
            None,
            None,
            "index",
            None,
        ),
        (
            "softmax-focal",
            "softmax_focal_loss",
            (("gamma", 1.5),),
            CLASS_WEIGHT,
            None,
            "index",
            (CLASSES,),
        ),
        ("heatmap", "heatmap_focal_loss", (), None, None, "heatmap", None),
        ("heatmap-bce", BCE, (), None, None, "heatmap", None),
        ("ghmc", "ghmc_loss", (("momentum", 0.75),), None, None, "hard", None),
        ("ghmc-heatmap", "ghmc_loss", (("bins", 7),), None, None, "heatmap", None),
        ("ghmc-printed", "ghmc_as_printed", (), None, None, "hard", None),
        ("ghmc-printed-mined", "ghmc_as_printed", (), None, MINING, "hard", None),
        ("of-probabilities", "bce_of_probabilities", (), None, None, "hard", None),
        (
            "of-shifted-probabilities",
            "bce_of_shifted_probabilities",
            (),
            None,
            None,
            "hard",
            None,
        ),
    )
}


def inputs(
    kind: str, shape: tuple[int, ...] | None, saturated: float = 0.25
) -> tuple[Any, ...]:
    """Draws logits, labels and weights of a stack; a share of the logits saturates."""
    generator = np.random.default_rng(5)
    places = {
        "hard": (),
        "multilabel": (CLASSES,),
        "index": (CLASSES,),
        "heatmap": (PLACES,),
    }
    logits = generator.normal(0.0, 3.0, (MODELS, BATCH, *places[kind]))
    far = generator.random(logits.shape) < saturated
    logits = np.where(far, generator.choice([-200, -25, 25, 200], logits.shape), logits)
    if kind == "index":
        labels = generator.integers(0, CLASSES, (MODELS, BATCH))
    else:
        labels = (generator.random(logits.shape) < 0.3).astype(np.float64)
    if kind == "heatmap":
        labels = np.where(labels == 1, 1.0, generator.uniform(0, 0.9, labels.shape))
    weights = None
    if shape is not None:
        weights = generator.uniform(0.5, 9.0, (MODELS, *shape))
    return logits, labels, weights


def later_state(strategy: Strategy) -> list[Any]:
    """Draws what a loss may remember after some updates."""
    generator = np.random.default_rng(6)
    return [
        part + generator.integers(1, 9, part.shape)
        for part in initial_state(strategy, MODELS)
    ]


def call(
    backend: str,
    strategy: Strategy,
    arrays: tuple[Any, ...],
    dtype: str = "float64",
    state: list[Any] | None = None,
) -> tuple[Any, Any, list[Any]]:
    """Returns values, gradient and state of a stack; the second of two calls."""
    first = initial_state(strategy, MODELS) if state is None else state
    return _CALLS[backend](bound(backend, strategy), arrays, tuple(first), dtype)


def _numpy(loss: Callable[..., Any], arrays: Any, state: Any, dtype: str) -> Any:
    assert dtype == "float64"
    logits, labels, weights = arrays
    found = []
    for model in range(MODELS):
        own, weight = tuple(part[model] for part in state), None
        if weights is not None:
            weight = weights[model]
        *_, own = loss(logits[model], labels[model], weight, own)
        values, slope, own = loss(logits[model], labels[model], weight, own)
        found.append((values, slope, *own))
    values, slope, *state = (np.stack(part) for part in zip(*found, strict=True))
    return values, slope, state


def _torch(loss: Callable[..., Any], arrays: Any, state: Any, dtype: str) -> Any:
    def tensor(array: Any) -> Any:
        if array is None:
            return None
        made = torch.tensor(array)
        return made.to(getattr(torch, dtype)) if made.is_floating_point() else made

    logits, labels, weights = map(tensor, arrays)
    state = tuple(map(tensor, state))
    stacked = torch.vmap(loss, in_dims=(0, 0, None if weights is None else 0, 0))

    def total(logits: Any, state: Any) -> Any:
        values, new = stacked(logits, labels, weights, state)
        return values.sum(), (values, new)

    def update(logits: Any, state: Any) -> Any:
        slope, (_, (values, new)) = torch.func.grad_and_value(total, has_aux=True)(
            logits, state
        )
        return values, slope, new

    program = make_fx(update)(logits, state)
    *_, state = program(logits, state)
    values, slope, state = program(logits, state)
    return values.numpy(), slope.numpy(), [part.numpy() for part in state]


def _jax(loss: Callable[..., Any], arrays: Any, state: Any, dtype: str) -> Any:
    with jax.enable_x64(dtype == "float64"):
        logits, labels, weights = (
            None if array is None else jnp.array(array) for array in arrays
        )

        def total(logits: Any, labels: Any, weights: Any, state: Any) -> Any:
            values, state = loss(logits, labels, weights, state)
            return values.sum(), (values, state)

        def train(logits: Any, labels: Any, weights: Any, state: Any) -> Any:
            def update(state: Any, _: Any) -> Any:
                (_, (values, state)), slope = jax.value_and_grad(total, has_aux=True)(
                    logits, labels, weights, state
                )
                return state, (values, slope)

            return jax.lax.scan(update, state, length=2)

        axes = (0, 0, None if weights is None else 0, 0)
        state, (values, slope) = jax.jit(jax.vmap(train, in_axes=axes))(
            logits, labels, weights, tuple(map(jnp.array, state))
        )
        values, slope, *state = map(np.asarray, (values, slope, *state))
    return values[:, -1], slope[:, -1], state


_CALLS = {"numpy": _numpy, "torch": _torch, "jax": _jax}
