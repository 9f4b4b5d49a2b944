"""Puts the arrays of a file together, and says what is wrong with them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.errors import UsageError
from conformance.scores.fields import NAMES
from conformance.scores.files import read
from conformance.scores.scores import Array, Scores
from conformance.scores.told import flat, numbers, read_told, unused, word

IGNORED = -100
# Fewer rows with exactly one label each may be so by chance.
ONE_HOT_ROWS = 20
# Of a row of probabilities, to take one-hot labels for those of classes.
SUMS = 1e-2
# Names that are not known and are shown where something lacks.
SAID = 5


def load_scores(path: Path, options: Mapping[str, Any] | None = None) -> Scores:
    """Reads scores, labels and what is told of the training.

    Args:
        path: An ``.npz``, ``.csv`` or ``.parquet`` file.
        options: Fields that are given beside the file, and override its own.

    Returns:
        The scores. Strange values are kept: to find them is the work of others.

    Raises:
        UsageError: It cannot be read, lacks what is needed, or does not fit together.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder) / "scores.npz"
        ...     np.savez(path, logits=[-2.0, 0.5, 1.0], labels=[0, 1, 1])
        ...     load_scores(path).task
        'binary'
    """
    found = read(path)
    given = {name: np.asarray(value) for name, value in (options or {}).items()}
    return assemble({**found.arrays, **given}, found.notes)


def assemble(arrays: Mapping[str, NDArray[Any]], notes: tuple[str, ...] = ()) -> Scores:
    """Puts arrays together.

    Args:
        arrays: By the names of ``FIELDS``.
        notes: What a reader of them should know already.

    Returns:
        The scores.

    Raises:
        UsageError: They lack what is needed, or do not fit together.
    """
    kinds = [name for name in ("logits", "probabilities") if name in arrays]
    if not kinds:
        _lacks(("logits", "probabilities"), arrays, notes)
    if "labels" not in arrays:
        _lacks(("labels",), arrays, notes)
    said = list(notes)
    if len(kinds) == 2:
        said.append("probabilities are not used: there are logits.")
    kind = kinds[0]
    raw_scores, raw_labels = arrays[kind], arrays["labels"]
    values, labels = numbers(kind, raw_scores), numbers("labels", raw_labels)
    if not (values.size and labels.size):
        raise UsageError(f"FILE: {kind} and labels hold no example.")
    wanted = word("task", arrays)
    task, values, labels = _shaped(kind, values, labels, wanted, said)
    if task == "multiclass":
        kept = labels != IGNORED
        if not kept.all():
            said.append(f"{(~kept).sum()} examples are left out: label {IGNORED}.")
            values, labels = values[kept], labels[kept]
            if not labels.size:
                raise UsageError(f"FILE: all labels are {IGNORED}, which is ignored.")
    classes = values.shape[1] if values.ndim == 2 else 1
    told = read_told(arrays, task, classes, len(raw_labels))
    return Scores(
        task=task,
        kind=kind,
        values=values,
        labels=labels,
        stored=str(raw_scores.dtype),
        shapes=(raw_scores.shape, raw_labels.shape),
        names=_names(arrays, classes),
        told=told,
        notes=(*said, *unused(told, task)),
    )


def _lacks(
    fields: Sequence[str], arrays: Mapping[str, Any], notes: Sequence[str]
) -> None:
    held = ", ".join(sorted(arrays)) or "nothing that is known"
    names = ", ".join(alias for alias, field in NAMES.items() if field in fields)
    said = " ".join(
        [f"FILE: expected {' or '.join(fields)}, got {held}.", *notes[:SAID]]
    )
    raise UsageError(f"{said} Names that are known: {names}.")


def _shaped(
    kind: str, values: Array, labels: Array, task: str, said: list[str]
) -> tuple[str, Array, Array]:
    """Finds the task that shapes tell, and brings both into its shape."""
    shapes = values.shape, labels.shape
    values, labels = flat(values), flat(labels)
    if values.ndim not in (1, 2) or labels.ndim not in (1, values.ndim):
        _unfit(kind, *shapes)
    if len(values) != len(labels):
        _unfit(kind, *shapes)
    if values.ndim == 1:
        found = "binary"
    elif labels.ndim == 1:
        found = "multiclass"
    elif labels.shape != values.shape:
        return _unfit(kind, *shapes)
    else:
        found = "multilabel"
        if task == "multiclass" or (not task and _one_hot(kind, values, labels)):
            said.append("labels are one-hot: taken for those of classes.")
            found, labels = "multiclass", labels.argmax(axis=1).astype(np.float64)
    if task and task != found:
        raise UsageError(
            f"FILE: task {task} does not fit {kind} and labels of shapes "
            f"{shapes[0]} and {shapes[1]}."
        )
    return found, values, labels


def _unfit(kind: str, *shapes: tuple[int, ...]) -> Any:
    raise UsageError(
        f"FILE: {kind} and labels must be shaped (N,) and (N,), (N, C) and (N, C), or "
        f"(N, K) and (N,); got {shapes[0]} and {shapes[1]}."
    )


def _one_hot(kind: str, values: Array, labels: Array) -> bool:
    if len(labels) < ONE_HOT_ROWS or not np.isin(labels, (0, 1)).all():
        return False
    with np.errstate(invalid="ignore"):
        sums = kind == "logits" or (np.abs(values.sum(axis=1) - 1) <= SUMS).mean() > 0.5
    return bool((labels.sum(axis=1) == 1).all() and sums)


def _names(arrays: Mapping[str, NDArray[Any]], classes: int) -> tuple[str, ...]:
    if "class_names" not in arrays:
        return tuple(map(str, range(classes))) if classes > 1 else ("positive",)
    names = tuple(map(str, np.atleast_1d(arrays["class_names"])))
    if len(names) != classes:
        raise UsageError(
            f"FILE: class_names must hold {classes} names, got {len(names)}."
        )
    if len(set(names)) < classes:
        raise UsageError(f"FILE: class_names must differ, got {', '.join(names)}.")
    return names
