"""Data sets of the recipes: synthetic with known posterior, digits, the user's own."""

import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from conformance.errors import UsageError

Array = NDArray[np.float64]

# What a bad archive raises; unknown or encrypted kinds are a RuntimeError.
DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Split:
    """Examples of one part.

    Attributes:
        features: Shaped ``(N, d)``.
        labels: 0.0 or 1.0, shaped ``(N,)``.
        posterior: Probability of the positive class given the features, where known.
    """

    features: Array
    labels: Array
    posterior: Array | None = None


@dataclass(frozen=True)
class Problem:
    """A data set cut into three parts that share no example."""

    train: Split
    validation: Split
    test: Split

    @property
    def ratio(self) -> float:
        """Negatives over positives in the training part."""
        positives = float(self.train.labels.sum())
        return (self.train.labels.size - positives) / positives

    def counts(self) -> dict[str, tuple[int, int]]:
        """Returns positives and negatives of every part."""
        parts = {"train": self.train, "validation": self.validation, "test": self.test}
        return {
            name: (int(part.labels.sum()), int((1 - part.labels).sum()))
            for name, part in parts.items()
        }


def synthetic(
    *,
    seed: int,
    features: int,
    components: int,
    spread: float,
    positives: Sequence[int],
    negatives: Sequence[int],
) -> Problem:
    """Draws two mixtures of Gaussians with unit covariance.

    Args:
        seed: Of everything drawn.
        features: Number of dimensions.
        components: Of each class's mixture; the classes' centres interleave, so no
            plane separates them.
        spread: Standard deviation of the centres: the larger, the less overlap.
        positives: Examples of train, validation and test.
        negatives: The same for the other class.

    Returns:
        Parts with exactly these counts and with the posterior at their class ratio.
    """
    generator = np.random.default_rng(seed)
    centres = generator.normal(0.0, spread, (2, components, features))
    parts = [
        _draw_part(generator, centres, counts)
        for counts in zip(negatives, positives, strict=True)
    ]
    return Problem(*parts)


def digits(*, seed: int, positive: int, ratio: int) -> Problem:
    """Cuts scikit-learn's digits into one digit against the rest.

    Args:
        seed: Of the thinning and the split.
        positive: The digit that is the positive class.
        ratio: Negatives kept for each positive.

    Returns:
        Half for training, a quarter each for validation and test, every part at the
        same ratio, standardised with the training part's statistics.
    """
    data: Any = load_digits()
    labels = (data.target == positive).astype(np.float64)
    generator = np.random.default_rng(seed)
    rows_of_rest = generator.permutation(np.flatnonzero(labels == 0.0))
    kept = rows_of_rest[: ratio * int(labels.sum())]
    rows = np.sort(np.concatenate([np.flatnonzero(labels == 1.0), kept]))
    part = _stratified(generator, labels[rows])
    return _assemble(data.data[rows], labels[rows], part)


def user_file(path: Path, *, seed: int) -> Problem:
    """Reads ``X``, ``y`` and optionally ``split`` (0 train, 1 validation, 2 test).

    Args:
        path: An ``.npz`` file. Pickled objects are not loaded.
        seed: Of the split, where the file brings none.

    Returns:
        The parts, standardised with the training part's statistics.

    Raises:
        UsageError: The file is unreadable or does not hold a binary problem.
    """
    arrays = _read(path)
    features, labels = _checked(arrays)
    if "split" in arrays:
        part = arrays["split"]
        if part.shape != labels.shape:
            raise UsageError(
                f"--data: split must be shaped {labels.shape}, got {part.shape}."
            )
        # Against strings, isin would compare strings.
        known = np.isin(part, (0, 1, 2)) & (part.dtype.kind in "fiub")
        if not known.all():
            wrong = part[~known][0].item()
            raise UsageError(f"--data: split must be 0, 1 or 2, got {wrong!r}.")
    else:
        part = _stratified(np.random.default_rng(seed), labels)
    for index, name in enumerate(("train", "validation", "test")):
        present = np.unique(labels[part == index])
        if present.size < 2:
            raise UsageError(f"--data: the {name} part must hold both classes.")
    return _assemble(features, labels, part)


SOURCES: dict[str, Callable[..., Problem]] = {"synthetic": synthetic, "digits": digits}


def _draw_part(
    generator: np.random.Generator, centres: Array, counts: Sequence[int]
) -> Split:
    components, width = centres.shape[1:]
    chosen = [generator.integers(components, size=count) for count in counts]
    means = np.concatenate(
        [own[rows] for own, rows in zip(centres, chosen, strict=True)]
    )
    features = means + generator.normal(size=(sum(counts), width))
    labels = np.repeat([0.0, 1.0], counts)
    # Unit covariance: densities of the components up to a factor common to all.
    squares = ((features[:, None, None, :] - centres) ** 2).sum(axis=-1)
    densities = np.exp(-0.5 * squares).sum(axis=-1) * np.asarray(counts)
    posterior = densities[:, 1] / densities.sum(axis=1)
    return Split(features, labels, posterior)


def _stratified(generator: np.random.Generator, labels: Array) -> NDArray[np.int64]:
    """Deals each class out in turn: train, validation, train, test."""
    part = np.empty(labels.size, dtype=np.int64)
    for label in (0.0, 1.0):
        rows = generator.permutation(np.flatnonzero(labels == label))
        part[rows] = np.resize([0, 1, 0, 2], rows.size)
    return part


def _assemble(features: Array, labels: Array, part: NDArray[np.int64]) -> Problem:
    train = features[part == 0]
    scale = train.std(axis=0)
    # A feature that is constant in training carries nothing: it is only centred.
    standardised = (features - train.mean(axis=0)) / np.where(scale > 0.0, scale, 1.0)
    return Problem(
        *(Split(standardised[part == i], labels[part == i]) for i in range(3))
    )


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise UsageError(f"--data: {path} is not an .npz file.")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                found = dict(arrays)
    except DAMAGE as error:
        raise UsageError(f"--data: cannot read {path}: {error}") from error
    for name in ("X", "y", "split"):
        if not isinstance(found.get(name, np.empty(0)), np.ndarray):
            raise UsageError(f"--data: {name} is not stored as an array (.npy).")
    return found


def _checked(arrays: dict[str, NDArray[Any]]) -> tuple[Array, Array]:
    missing = [name for name in ("X", "y") if name not in arrays]
    if missing:
        raise UsageError(
            f"--data: missing {' and '.join(missing)}, got {sorted(arrays)}."
        )
    features, labels = arrays["X"], arrays["y"]
    if features.ndim != 2 or not features.size or labels.shape != features.shape[:1]:
        raise UsageError(
            "--data: X must be shaped (N, d) and y (N,), "
            f"got {features.shape} and {labels.shape}."
        )
    if features.dtype.kind not in "fiub" or labels.dtype.kind not in "fiub":
        raise UsageError(
            f"--data: X and y must be numbers, got {features.dtype}, {labels.dtype}."
        )
    features, labels = features.astype(np.float64), labels.astype(np.float64)
    if not np.isfinite(features).all():
        raise UsageError("--data: X holds NaN or infinity.")
    if not np.isin(labels, (0.0, 1.0)).all():
        raise UsageError("--data: y must be 0 or 1.")
    if np.unique(labels).size < 2:
        raise UsageError("--data: y holds one class only.")
    return features, labels
