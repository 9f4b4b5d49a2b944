"""Scores of a model with their labels, and what is told of its training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, softmax
from scipy.stats import rankdata

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Column:
    """One class against the rest.

    Attributes:
        name: Of the class.
        probabilities: Of the class, shaped (N,).
        logits: Log-odds of them.
        truth: Which examples belong to it.
        predicted: Which examples are taken for it.
    """

    name: str
    probabilities: Array
    logits: Array
    truth: Mask
    predicted: Mask

    @property
    def positives(self) -> int:
        """Examples of the class."""
        return int(self.truth.sum())

    @property
    def negatives(self) -> int:
        """Examples of the others."""
        return self.truth.size - self.positives

    @property
    def rate(self) -> float:
        """Share of the class."""
        return float(self.truth.mean())

    @cached_property
    def auroc(self) -> float:
        """Chance that a positive scores above a negative; NaN where there is none."""
        pairs = float(self.positives * self.negatives)
        if not pairs or np.isnan(self.probabilities).any():
            return float("nan")
        # Scikit-learn takes no infinite score, and float64 has no room for log-odds as
        # probabilities: those above 37 would tie.
        ranks = rankdata(self.logits)[self.truth].sum()
        return (ranks - self.positives * (self.positives + 1) / 2) / pairs


@dataclass(frozen=True, eq=False)
class Scores:
    """What a file of scores holds.

    Attributes:
        task: ``binary``, ``multilabel`` or ``multiclass``.
        kind: ``logits`` or ``probabilities``, as the file calls them.
        values: Scores as they are there, shaped (N,) or (N, C).
        labels: Labels as they are there, shaped (N,) or (N, C).
        stored: Dtype of the scores in the file.
        shapes: Shapes of scores and labels in the file.
        names: Names of the classes; one name for a binary task.
        told: What else the file tells, by field.
        notes: What a reader of the file should know, a sentence each.
    """

    task: str
    kind: str
    values: Array
    labels: Array
    stored: str
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    names: tuple[str, ...]
    told: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> int:
        """Number of classes, or of labels."""
        return len(self.names)

    @cached_property
    def probabilities(self) -> Array:
        """Probabilities, taken at its word."""
        if self.kind == "probabilities":
            return self.values
        if self.task == "multiclass":
            # Not-a-number makes its row not a number.
            return np.asarray(softmax(self.values, axis=1))
        return expit(self.values)

    @cached_property
    def logits(self) -> Array:
        """Log-odds of one class against the rest, infinite where a probability ends."""
        if self.kind == "logits":
            if self.task != "multiclass":
                return self.values
            return against_rest(self.values, self.probabilities)
        return np.asarray(logit(np.clip(self.values, 0.0, 1.0)))

    @cached_property
    def truth(self) -> Mask:
        """Which examples belong to which class, shaped (N,) or (N, C).

        The higher of two labels is the positive one, whatever they are.
        """
        if self.task == "multiclass":
            return self.labels[:, None] == np.arange(self.classes)
        found = self.label_values
        if found.size == 2:
            return self.labels == found[1]
        return self.labels >= 0.5 if found.max(initial=0) <= 1 else self.labels > 0

    @cached_property
    def label_values(self) -> Array:
        """Values that labels take, in order, without NaN."""
        return np.unique(self.labels[~np.isnan(self.labels)])

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Classes one by one, each against the rest."""
        shape = (len(self.values), self.classes)
        probabilities = self.probabilities.reshape(shape)
        logits, truth = self.logits.reshape(shape), self.truth.reshape(shape)
        if "thresholds" in self.told or self.task != "multiclass":
            predicted = probabilities >= self.told.get("thresholds", 0.5)
        else:
            best = probabilities.argmax(axis=1)
            predicted = best[:, None] == np.arange(self.classes)
        return tuple(
            Column(
                name, probabilities[:, k], logits[:, k], truth[:, k], predicted[:, k]
            )
            for k, name in enumerate(self.names)
        )

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Training examples, else those of the file: (K,), or (C, 2) per label."""
        if "class_counts" in self.told:
            return self.told["class_counts"]
        truth = self.truth
        if self.task == "multiclass":
            return truth.sum(axis=0)
        positives = truth.reshape(len(truth), -1).sum(axis=0)
        return np.stack([len(truth) - positives, positives], axis=-1)


def against_rest(values: Array, p: Array) -> Array:
    """Log-odds of each class against all others.

    Args:
        values: Logits of a softmax, shaped (N, K).
        p: That softmax.

    Returns:
        Log-odds, accurate where a probability rounds to 1.
    """
    with np.errstate(divide="ignore"):
        # Accurate but for the likeliest class, whose rest is nearly nothing.
        rest = np.log1p(-p)
    rows, best = np.arange(len(p)), p.argmax(axis=1)
    others = values.copy()
    others[rows, best] = -np.inf
    total = np.logaddexp.reduce(values, axis=1)
    rest[rows, best] = np.logaddexp.reduce(others, axis=1) - total
    return values - total[:, None] - rest
