"""What is computed: losses by name, and inputs drawn from a seed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl import ghmc_loss, ghmr_loss

Array = NDArray[Any]

DTYPES = {"float32": 4, "bfloat16": 2}
POSITIVES = 0.05
SPREAD = 3.0
# Weight of the positives that balances both classes.
POS_WEIGHT = (1.0 - POSITIVES) / POSITIVES
ALPHA, GAMMA = 0.25, 2.0
SMOOTHING = 0.1
BINS, MOMENTUM = 10, 0.75
WIDTH = 0.02
CLASSES = 32
# Enough to know the distribution of gradient norms; counts are scaled up from it.
_SAMPLE = 65_536


@dataclass(frozen=True)
class Problem:
    """Inputs of one loss.

    Attributes:
        loss: Name of the loss in :data:`LOSSES`.
        logits: float32, ``(N,)`` or ``(N, K)``.
        labels: float32 like the logits, or int64 ``(N,)``.
        extras: Further arrays that the loss takes, in float32.
    """

    loss: str
    logits: Array
    labels: Array
    extras: tuple[Array, ...]

    def traffic(self, dtype: str) -> int:
        """Returns the bytes that must move: logits, labels, and one gradient."""
        logits = self.logits.size * DTYPES[dtype]
        indices = self.labels.dtype.kind == "i"
        return 2 * logits + (self.labels.nbytes if indices else logits)


@dataclass(frozen=True)
class Loss:
    """A loss that is measured.

    Attributes:
        operation: Name of our function.
        draw: Makes a problem's arrays from a generator, a size and a number of classes.
        title: For people.
        extras: Names under which our function takes the further arrays.
        options: Its other arguments.
        stateful: The function takes and returns a state.
        by_class: Logits are rows of classes.
    """

    operation: str
    draw: Callable[[np.random.Generator, int, int], tuple[Array, ...]]
    title: str
    extras: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    stateful: bool = False
    by_class: bool = False


def _normal(generator: np.random.Generator, size: int) -> Array:
    return generator.standard_normal(size, dtype=np.float32)


def _binary(
    generator: np.random.Generator, size: int, _classes: int
) -> tuple[Array, ...]:
    logits = _normal(generator, size) * np.float32(SPREAD)
    uniform = generator.random(size, dtype=np.float32)
    return logits, (uniform < POSITIVES).astype(np.float32)


def _weighted(
    generator: np.random.Generator, size: int, classes: int
) -> tuple[Array, ...]:
    return *_binary(generator, size, classes), np.array(POS_WEIGHT, np.float32)


def _classes(
    generator: np.random.Generator, size: int, classes: int
) -> tuple[Array, ...]:
    """Draws rows of logits, labels with a long tail, and weights against it."""
    rows = max(size // classes, 1)
    logits = _normal(generator, rows * classes) * np.float32(SPREAD)
    share = 1.0 / np.arange(1, classes + 1)
    share /= share.sum()
    labels = generator.choice(classes, size=rows, p=share)
    weights = (1.0 / (share * classes)).astype(np.float32)
    return logits.reshape(rows, classes), labels.astype(np.int64), weights


def _heatmap(
    generator: np.random.Generator, size: int, classes: int
) -> tuple[Array, ...]:
    """Draws peaks of height 1 amid heat that is mostly close to 0."""
    logits, peaks = _binary(generator, size, classes)
    heat = generator.random(size, dtype=np.float32) ** 4
    return logits, np.where(peaks == 1, np.float32(1), heat)


def _harmonised(
    generator: np.random.Generator, size: int, classes: int
) -> tuple[Array, ...]:
    logits, labels = _binary(generator, size, classes)
    return logits, labels, *_counts(ghmc_loss, logits, labels)


def _regression(
    generator: np.random.Generator, size: int, _classes: int
) -> tuple[Array, ...]:
    """Draws predictions that miss by about the width of the loss."""
    predictions = _normal(generator, size) * np.float32(SPREAD)
    targets = predictions + _normal(generator, size) * np.float32(WIDTH)
    return predictions, targets, *_counts(ghmr_loss, predictions, targets)


def _counts(loss: Callable[..., Any], first: Array, second: Array) -> tuple[Array, ...]:
    """Returns the state of a loss that has seen such data for long."""
    _, state = loss(first[:_SAMPLE], second[:_SAMPLE], bins=BINS)
    scale = first.size / min(first.size, _SAMPLE)
    return (state.counts * scale).astype(np.float32), np.full(BINS, 100)


# The published loop: averages that are not debiased, shared out over filled bins.
_HARMONY = {
    "bins": BINS,
    "momentum": MOMENTUM,
    "debias": False,
    "average_over": "nonempty",
}

LOSSES = {
    "bce": Loss(
        "binary_cross_entropy_with_logits",
        _weighted,
        "BCE with pos_weight",
        extras=("pos_weight",),
    ),
    "focal": Loss(
        "sigmoid_focal_loss",
        _binary,
        "sigmoid focal",
        options={"alpha": ALPHA, "gamma": GAMMA},
    ),
    "cross_entropy": Loss(
        "cross_entropy",
        _classes,
        "cross-entropy, weighted and smoothed",
        extras=("class_weights",),
        options={"label_smoothing": SMOOTHING},
        by_class=True,
    ),
    "softmax_focal": Loss(
        "softmax_focal_loss",
        _classes,
        "softmax focal, weighted",
        extras=("class_weights",),
        options={"gamma": GAMMA},
        by_class=True,
    ),
    "ghmc": Loss("ghmc_loss", _harmonised, "GHM-C", options=_HARMONY, stateful=True),
    "heatmap": Loss("heatmap_focal_loss", _heatmap, "heat-map focal"),
    "ghmr": Loss(
        "ghmr_loss",
        _regression,
        "GHM-R",
        options={"mu": WIDTH, **_HARMONY},
        stateful=True,
    ),
}


def draw(loss: str, size: int, *, classes: int = CLASSES, seed: int = 0) -> Problem:
    """Draws the inputs of a loss.

    Args:
        loss: Name of the loss.
        size: Number of logits; rounded down to whole rows.
        classes: Logits in a row, where the loss has classes.
        seed: Of everything drawn.

    Returns:
        The problem, the same for every contender and dtype.
    """
    generator = np.random.default_rng([seed, size, classes])
    logits, labels, *extras = LOSSES[loss].draw(generator, size, classes)
    return Problem(loss, logits, labels, tuple(extras))
