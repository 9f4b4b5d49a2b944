"""Losses of libraries that take part where they are installed.

Each function here imports its library and returns a function of logits, labels and
the further arrays of the problem, so that a library that is broken fails alone.
"""

from collections.abc import Callable
from typing import Any

from conformance.bench.problems import ALPHA, GAMMA, SMOOTHING

Function = Callable[..., Any]


def torchvision_focal() -> Function:
    """Returns torchvision's own."""
    from torchvision.ops import (  # pyright: ignore[reportMissingImports] - optional
        sigmoid_focal_loss,
    )

    return lambda x, y: sigmoid_focal_loss(x, y, ALPHA, GAMMA, reduction="mean")


def kornia_focal() -> Function:
    """Returns kornia's, which wants an axis of classes."""
    from kornia.losses import (  # pyright: ignore[reportMissingImports] - optional
        binary_focal_loss_with_logits,
    )

    return lambda x, y: binary_focal_loss_with_logits(
        x[:, None], y[:, None], alpha=ALPHA, gamma=GAMMA, reduction="mean"
    )


def kornia_softmax_focal() -> Function:
    """Returns kornia's, whose mean would also count the classes."""
    from kornia.losses import (  # pyright: ignore[reportMissingImports] - optional
        focal_loss,
    )

    return lambda x, y, weights: (
        focal_loss(x, y, alpha=None, gamma=GAMMA, reduction="sum", weight=weights)
        / len(y)
    )


def keras_bce() -> Function:
    """Returns keras's, weighted by the label; exact for hard labels alone."""
    from keras import ops  # pyright: ignore[reportMissingImports] - optional

    def bce(x: Any, y: Any, pos_weight: Any) -> Any:
        entropy = ops.binary_crossentropy(y, x, from_logits=True)
        return ops.mean((1 + (pos_weight - 1) * y) * entropy)

    return bce


def keras_focal() -> Function:
    """Returns keras's own, which goes through probabilities."""
    from keras.losses import (  # pyright: ignore[reportMissingImports] - optional
        binary_focal_crossentropy,
    )

    return lambda x, y: binary_focal_crossentropy(
        y, x, apply_class_balancing=True, alpha=ALPHA, gamma=GAMMA, from_logits=True
    )


def keras_cross_entropy() -> Function:
    """Returns keras's on smoothed one-hot labels, which carry the weights."""
    from keras import ops  # pyright: ignore[reportMissingImports] - optional

    def cross_entropy(x: Any, y: Any, weights: Any) -> Any:
        classes = x.shape[-1]
        # keras annotates some of these as returning None.
        hot: Any = ops.one_hot(y, classes, dtype=x.dtype)
        targets = (hot * (1 - SMOOTHING) + SMOOTHING / classes) * weights
        entropy: Any = ops.categorical_crossentropy(targets, x, from_logits=True)
        total: Any = ops.sum(entropy)
        return total / ops.sum(ops.take(weights, y))

    return cross_entropy
