"""What a file tells of the training, with its shapes and ranges checked."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.errors import UsageError
from conformance.scores.fields import FIELDS
from conformance.scores.scores import Array

TASKS = ("binary", "multilabel", "multiclass")
DTYPES = ("float16", "bfloat16", "float32", "float64")
WORDS = {"task": TASKS, "dtype": DTYPES, "sampling": ("balanced", "none")}
UNUSED = {
    "binary": (),
    "multilabel": ("class_weights", "sampler_weights", "beta"),
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
    "class_counts": (
        "whole, >= 0 and below 2^53",
        lambda x: (x >= 0) & (x < 2.0**53) & (x == np.floor(x)),
    ),
}


def numbers(name: str, array: NDArray[Any]) -> Array:
    """Takes real numbers, as float64."""
    if array.dtype.kind not in "fiub":
        raise UsageError(f"FILE: {name} must hold numbers, got {array.dtype}.")
    return array.astype(np.float64)


def word(name: str, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Takes a word that is known; empty where there is none."""
    if name not in arrays:
        return ""
    found = str(arrays[name].item() if arrays[name].size == 1 else arrays[name])
    found = found.removeprefix("torch.")
    if found not in WORDS[name]:
        raise UsageError(
            f"FILE: {name} must be {', '.join(WORDS[name])}, got {found!r}."
        )
    return found


def flat(array: Array) -> Array:
    """Drops a last axis of length 1."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def read_told(
    arrays: Mapping[str, NDArray[Any]], task: str, classes: int, examples: int
) -> dict[str, Any]:
    """Reads all fields but scores, labels and names.

    Args:
        arrays: By the names of ``FIELDS``.
        task: Of the scores.
        classes: Number of classes, or of labels.
        examples: Number of labels in the file.

    Returns:
        Words, numbers and arrays; counts of ``train_labels`` are ``class_counts``.

    Raises:
        UsageError: A shape or a range does not fit.
    """
    told: dict[str, Any] = {}
    for name, array in arrays.items():
        if name in WORDS:
            told[name] = word(name, arrays)
        elif FIELDS[name].kind == "number":
            told[name] = _number(name, array)
        elif FIELDS[name].kind == "numbers":
            told[name] = numbers(name, array)
    for name, (expected, holds) in RANGES.items():
        if name in told and not (held := np.atleast_1d(holds(told[name]))).all():
            wrong = np.atleast_1d(told[name])[~held][0]
            raise UsageError(f"FILE: {name} must be {expected}, got {wrong:g}.")
    if "sample_weight" in arrays:
        told["sample_weight"] = flat(numbers("sample_weight", arrays["sample_weight"]))
    kinds = classes if task == "multiclass" else max(classes, 2)
    shapes = {
        "sample_weight": [(), (examples,), (examples, classes)],
        "pos_weight": [(), (1,), (classes,)],
        "thresholds": [(), (1,), (classes,)],
        "class_weights": [(kinds,)],
    }
    if task != "multilabel":
        trained = told.get("train_labels", np.empty(0)).size or examples
        shapes["sampler_weights"] = [(kinds,), (examples,), (trained,)]
    for name, accepted in shapes.items():
        if name in told:
            _expect(name, told[name], accepted)
    return told | _counts(told, task, classes)


def unused(told: Mapping[str, Any], task: str) -> Iterator[str]:
    """Says which fields no check has a use for, a sentence each."""
    for name in UNUSED[task]:
        if name in told:
            yield f"{name} is not used: the task is {task}."
    for name in ("epsilon", "batch_size"):
        if name in told and "dtype" not in told:
            yield f"{name} is not used: dtype is not told."


def _number(name: str, array: NDArray[Any]) -> float:
    found = numbers(name, array)
    if found.size != 1:
        raise UsageError(f"FILE: {name} must be one number, got shape {array.shape}.")
    return float(found.item())


def _expect(name: str, array: Array, accepted: list[tuple[int, ...]]) -> None:
    if array.shape not in accepted:
        shapes = " or ".join(map(str, dict.fromkeys(accepted)))
        raise UsageError(
            f"FILE: {name} must be shaped {shapes}, got {array.shape}; it is "
            f"{FIELDS[name].meaning}."
        )


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
    labels = flat(told["train_labels"])
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
