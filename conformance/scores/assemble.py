"""Puts the arrays of a file together, and says what is wrong with them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.errors import UsageError
from conformance.scores.fields import FIELDS
from conformance.scores.files import read
from conformance.scores.scores import Array, Scores

TASKS = ("binary", "multilabel", "multiclass")
DTYPES = ("float16", "bfloat16", "float32", "float64")
WORDS = {"task": TASKS, "dtype": DTYPES, "sampling": ("balanced", "none")}
UNUSED = {
    "binary": (),
    "multilabel": ("class_weights",),
    "multiclass": ("pos_weight", "alpha"),
}
# What a number must be, and whether it is.
RANGES: Mapping[str, tuple[str, Callable[[Array], Any]]] = {
    "loss_scale": ("finite and > 0", lambda x: (x > 0) & (x < np.inf)),
    "batch_size": ("finite and >= 1", lambda x: (x >= 1) & (x < np.inf)),
    "epsilon": ("in (0, 1)", lambda x: (x > 0) & (x < 1)),
    "gamma": ("finite and >= 0", lambda x: (x >= 0) & (x < np.inf)),
    "alpha": ("in (0, 1)", lambda x: (x > 0) & (x < 1)),
    "beta": ("in [0, 1]", lambda x: (x >= 0) & (x <= 1)),
    "label_smoothing": ("in [0, 1)", lambda x: (x >= 0) & (x < 1)),
    "thresholds": ("probabilities, in [0, 1]", lambda x: (x >= 0) & (x <= 1)),
    "class_counts": ("whole and >= 0", lambda x: (x >= 0) & (x == np.floor(x))),
}
IGNORED = -100
# Fewer rows with exactly one label each may be so by chance.
ONE_HOT_ROWS = 20
# Of a row of probabilities, to take one-hot labels for those of classes.
SUMS = 1e-2


def load_scores(path: Path, options: Mapping[str, Any] | None = None) -> Scores:
    """Reads scores, labels and what is told of the training.

    Args:
        path: An ``.npz``, ``.csv`` or ``.parquet`` file.
        options: Fields that are given beside the file, and go before it.

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
        _lacks("logits or probabilities", arrays)
    if "labels" not in arrays:
        _lacks("labels", arrays)
    said = list(notes)
    if len(kinds) == 2:
        said.append("probabilities are not used: there are logits.")
    kind = kinds[0]
    raw_scores, raw_labels = arrays[kind], arrays["labels"]
    values, labels = _numbers(kind, raw_scores), _numbers("labels", raw_labels)
    if not (values.size and labels.size):
        raise UsageError(f"FILE: {kind} and labels hold no example.")
    word = _word("task", arrays)
    task, values, labels = _shaped(kind, values, labels, word, said)
    if task == "multiclass":
        kept = labels != IGNORED
        if not kept.all():
            said.append(f"{(~kept).sum()} examples are left out: label {IGNORED}.")
            values, labels = values[kept], labels[kept]
            if not labels.size:
                raise UsageError(f"FILE: all labels are {IGNORED}, which is ignored.")
    said += [
        f"{name} is not used: the task is {task}."
        for name in UNUSED[task]
        if name in arrays
    ]
    classes = values.shape[1] if values.ndim == 2 else 1
    return Scores(
        task=task,
        kind=kind,
        values=values,
        labels=labels,
        stored=str(raw_scores.dtype),
        shapes=(raw_scores.shape, raw_labels.shape),
        names=_names(arrays, classes),
        told=_told(arrays, task, classes, len(raw_labels)),
        notes=tuple(said),
    )


def _lacks(what: str, arrays: Mapping[str, Any]) -> None:
    held = ", ".join(sorted(arrays)) or "nothing that is known"
    raise UsageError(f"FILE: expected {what}, got {held}.")


def _numbers(name: str, array: NDArray[Any]) -> Array:
    if array.dtype.kind not in "fiub":
        raise UsageError(f"FILE: {name} must hold numbers, got {array.dtype}.")
    return array.astype(np.float64)


def _word(name: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    if name not in arrays:
        return ""
    word = str(arrays[name].item() if arrays[name].size == 1 else arrays[name])
    word = word.removeprefix("torch.")
    if word not in WORDS[name]:
        raise UsageError(
            f"FILE: {name} must be {', '.join(WORDS[name])}, got {word!r}."
        )
    return word


def _shaped(
    kind: str, values: Array, labels: Array, task: str, said: list[str]
) -> tuple[str, Array, Array]:
    """Finds the task that shapes tell, and brings both into its shape."""
    shapes = values.shape, labels.shape
    values, labels = _flat(values), _flat(labels)
    if values.ndim > 2 or labels.ndim not in (1, values.ndim):
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


def _flat(array: Array) -> Array:
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


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
    return names


def _told(
    arrays: Mapping[str, NDArray[Any]], task: str, classes: int, examples: int
) -> dict[str, Any]:
    """Checks the shapes of all that is told of the training."""
    told: dict[str, Any] = {}
    for name, array in arrays.items():
        kind = FIELDS[name].kind
        if name in WORDS:
            told[name] = _word(name, arrays)
        elif kind == "number":
            numbers = _numbers(name, array)
            if numbers.size != 1:
                raise UsageError(
                    f"FILE: {name} must be one number, got shape {array.shape}."
                )
            told[name] = float(numbers.item())
        elif kind == "numbers":
            told[name] = _numbers(name, array)
    for name, (expected, holds) in RANGES.items():
        if name in told and not (held := np.atleast_1d(holds(told[name]))).all():
            wrong = np.atleast_1d(told[name])[~held][0]
            raise UsageError(f"FILE: {name} must be {expected}, got {wrong:g}.")
    if "sample_weight" in arrays:
        weight = _flat(_numbers("sample_weight", arrays["sample_weight"]))
        _expect("sample_weight", weight, [(), (examples,), (examples, classes)])
        told["sample_weight"] = weight
    kinds = classes if task == "multiclass" else max(classes, 2)
    lengths = {
        "pos_weight": [(), (1,), (classes,)],
        "thresholds": [(), (1,), (classes,)],
        "class_weights": [(kinds,)],
    }
    for name, accepted in lengths.items():
        if name in told:
            _expect(name, told[name], accepted)
    return told | _counts(told, task, classes)


def _expect(name: str, array: Array, accepted: list[tuple[int, ...]]) -> None:
    if array.shape not in accepted:
        shapes = " or ".join(map(str, dict.fromkeys(accepted)))
        raise UsageError(f"FILE: {name} must be shaped {shapes}, got {array.shape}.")


def _counts(told: dict[str, Any], task: str, classes: int) -> dict[str, Any]:
    """Counts of the training part, from themselves or from its labels."""
    several = task == "multiclass"
    if "class_counts" in told:
        counts = told["class_counts"]
        accepted = [(classes,)] if several else [(classes, 2)]
        if classes == 1:
            accepted = [(2,), (1, 2)]
        _expect("class_counts", counts, accepted)
        shape = (classes,) if several else (classes, 2)
        return {"class_counts": counts.astype(np.int64).reshape(shape)}
    if "train_labels" not in told:
        return {}
    labels = _flat(told["train_labels"])
    if several:
        known = np.isin(labels, np.arange(classes))
        counts = np.bincount(labels[known].astype(np.int64), minlength=classes)
        return {"class_counts": counts}
    columns = labels.reshape(len(labels), -1)
    if columns.shape[1] != classes:
        raise UsageError(
            f"FILE: train_labels must have {classes} columns, got {labels.shape}."
        )
    positives = (columns > 0.5).sum(axis=0)
    return {"class_counts": np.stack([len(labels) - positives, positives], axis=-1)}
