"""The user's own data, read from a file and checked."""

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.errors import UsageError
from conformance.training.data.blobs import patches
from conformance.training.data.parts import (
    PARTS,
    Problem,
    assemble,
    dealt,
    standardised,
)

# What a bad archive raises; unknown or encrypted kinds are a RuntimeError.
DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)

# Shapes of X and of y, as the messages give them.
SHAPES = {
    "binary": ("(N, d)", "(N,)"),
    "multilabel": ("(N, d)", "(N, C)"),
    "multiclass": ("(N, d)", "(N,)"),
    "heatmap": ("(N, H, W)", "(N, H, W)"),
}


# Beyond, squares of features overflow.
LARGEST = 1e150


def user_file(path: Path, *, task: str, seed: int) -> Problem:
    """Reads ``X``, ``y`` and optionally ``split`` (0 train, 1 validation, 2 test).

    Args:
        path: An ``.npz`` file. Pickled objects are not loaded.
        task: What ``y`` holds. Binary: 0 or 1, ``(N,)``; multilabel: 0 or 1,
            ``(N, C)``; multiclass: 0 ... K - 1, ``(N,)``; heatmap: maps in [0, 1] of
            images ``(N, H, W)``, exactly 1 at peaks.
        seed: Of the split, where the file brings none.

    Returns:
        The parts, standardised with the training part's statistics.

    Raises:
        UsageError: The file is unreadable or does not hold such a problem.
    """
    arrays = _read(path)
    features, labels = _checked(arrays, task)
    if "split" in arrays:
        part = _checked_split(arrays["split"], labels.shape[:1])
    else:
        part = dealt(np.random.default_rng(seed), _groups(task, labels))
    for what, holds in _needed(task, labels).items():
        for index, name in enumerate(PARTS):
            if not holds[part == index].any():
                raise UsageError(f"--data: the {name} part must hold {what}, got none.")
    if task == "heatmap":
        features = patches(standardised(features, part, axis=None))
        return assemble(task, features, labels.reshape(len(labels), -1), part)
    return assemble(task, standardised(features, part), labels, part)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise UsageError(f"--data: {path} is not an .npz file.")
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                found = dict(arrays)
    except DAMAGE as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--data: cannot read {path}: {reason}") from error
    for name in ("X", "y", "split"):
        if not isinstance(found.get(name, np.empty(0)), np.ndarray):
            raise UsageError(f"--data: {name} is not stored as an array (.npy).")
    return found


def _checked(
    arrays: dict[str, NDArray[Any]], task: str
) -> tuple[NDArray[np.float64], NDArray[Any]]:
    missing = [name for name in ("X", "y") if name not in arrays]
    if missing:
        raise UsageError(
            f"--data: missing {' and '.join(missing)}, got {sorted(arrays)}."
        )
    features, labels = arrays["X"], arrays["y"]
    if not _fit(features.shape, labels.shape, task):
        x, y = SHAPES[task]
        raise UsageError(
            f"--data: X must be shaped {x} and y {y} for a {task} recipe, "
            f"got {features.shape} and {labels.shape}."
        )
    if features.dtype.kind not in "fiub" or labels.dtype.kind not in "fiub":
        raise UsageError(
            f"--data: X and y must be numbers, got {features.dtype}, {labels.dtype}."
        )
    features = features.astype(np.float64)
    if not np.isfinite(features).all():
        raise UsageError("--data: X holds NaN or infinity.")
    largest = np.abs(features).max()
    if largest > LARGEST:
        raise UsageError(
            f"--data: X must be within ±{LARGEST:g}, got a number of size {largest:g}."
        )
    return features, _checked_labels(labels.astype(np.float64), task)


def _fit(x: tuple[int, ...], y: tuple[int, ...], task: str) -> bool:
    if len(x) != SHAPES[task][0].count(",") + 1 or 0 in (*x, *y):
        return False
    if task == "heatmap":
        return x == y
    return y[:1] == x[:1] and len(y) == (2 if task == "multilabel" else 1)


def _checked_labels(labels: NDArray[np.float64], task: str) -> NDArray[Any]:
    if task == "heatmap":
        wrong = labels[~((labels >= 0.0) & (labels <= 1.0))]
        expected = "in [0, 1]"
    elif task == "multiclass":
        whole = (labels == np.floor(labels)) & np.isfinite(labels)
        wrong = labels[~((labels >= 0.0) & whole)]
        expected = "a class, 0, 1, 2, ..."
    else:
        wrong = labels[~np.isin(labels, (0.0, 1.0))]
        expected = "0 or 1"
    if wrong.size:
        raise UsageError(f"--data: y must be {expected}, got {wrong[0]:g}.")
    if task in ("binary", "multiclass") and np.unique(labels).size < 2:
        raise UsageError("--data: y must hold two classes or more, got one.")
    return _without_gaps(labels) if task == "multiclass" else labels


def _without_gaps(labels: NDArray[np.float64]) -> NDArray[np.int64]:
    found = np.unique(labels)
    gaps = np.flatnonzero(found != np.arange(found.size))
    if gaps.size:
        raise UsageError(
            f"--data: y must hold every class from 0 to {found[-1]:g}, "
            f"got none of class {gaps[0]}."
        )
    return labels.astype(np.int64)


def _checked_split(part: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if part.shape != shape:
        raise UsageError(f"--data: split must be shaped {shape}, got {part.shape}.")
    # Against strings, isin would compare strings.
    known = np.isin(part, (0, 1, 2)) & (part.dtype.kind in "fiub")
    if not known.all():
        wrong = part[~known][0].item()
        raise UsageError(f"--data: split must be 0, 1 or 2, got {wrong!r}.")
    return part


def _groups(task: str, labels: NDArray[Any]) -> NDArray[Any]:
    """Names what every part must have its share of."""
    if task == "heatmap":
        return (labels == 1.0).any(axis=(1, 2))
    if task == "multilabel":
        # The rarest label that an example has, so that none runs out.
        counts = np.where(labels == 1.0, labels.sum(axis=0), np.inf)
        return np.where(labels.any(axis=1), counts.argmin(axis=1), -1)
    return labels


def _needed(task: str, labels: NDArray[Any]) -> dict[str, Any]:
    """Tells which examples hold what every part must hold."""
    if task == "heatmap":
        return {
            "a peak, a pixel of y that is exactly 1": (labels == 1.0).any(axis=(1, 2)),
            "a pixel of y below 1": (labels < 1.0).any(axis=(1, 2)),
        }
    if task == "multilabel":
        return {
            f"a {value} of label {index}": column == value
            for index, column in enumerate(labels.T)
            for value in (0, 1)
        }
    return {
        f"an example of class {label:g}": labels == label for label in np.unique(labels)
    }
