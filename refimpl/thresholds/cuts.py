"""The cuts to try, and the confusion matrix at each."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl._validate import check_choice, check_range, check_sample_weight
from refimpl.thresholds.objectives import Counts

METHODS = ("exact", "grid")


class Data(NamedTuple):
    """Scores, labels as booleans, and weights or None, all of one shape."""

    scores: NDArray
    labels: NDArray[np.bool_]
    weight: NDArray[np.float64] | None

    def each(self, change: Callable[[NDArray], NDArray]) -> "Data":
        """Returns the data with the same change made to every array."""
        weight = None if self.weight is None else change(self.weight)
        return Data(change(self.scores), change(self.labels), weight)


def candidates(data: Data, method: str) -> NDArray:
    """Returns the cuts to try, rising.

    No cut at a negative wins: one at the next positive above it, or above all scores,
    keeps the same positives and fewer negatives, and no objective is worse for it.
    """
    if method == "grid":
        return (np.arange(1, 100) / 100).astype(data.scores.dtype)
    above = _above(data.scores.max())
    return np.unique(np.append(data.scores[data.labels], above))


def _above(largest: Any) -> Any:
    """Returns the next usable number of the same dtype, or the last of all."""
    with np.errstate(over="ignore"):
        above = np.nextafter(largest, np.inf, dtype=largest.dtype)
    tiny = np.finfo(largest.dtype).smallest_normal
    if abs(above) < tiny:
        return tiny
    return above if np.isfinite(above) else largest


def count(data: Data, cuts: NDArray) -> Counts:
    """Counts both classes at or above each cut; the cuts rise."""
    if data.weight is not None:
        # Only proportions count, and products of sums must stay in range.
        exponent = np.frexp(data.weight.max())[1]
        data = data._replace(weight=np.ldexp(data.weight, -exponent))
    true, false = data.labels, ~data.labels
    selected, positives = _selected(data.each(lambda array: array[true]), cuts)
    wrongly, negatives = _selected(data.each(lambda array: array[false]), cuts)
    return Counts(selected, wrongly, positives, negatives)


def _selected(data: Data, cuts: NDArray) -> tuple[NDArray, float]:
    """Returns the number or weight of scores at or above each cut, and of all."""
    if data.weight is None:
        size = float(data.scores.size)
        return size - np.searchsorted(np.sort(data.scores), cuts), size
    order = np.argsort(data.scores)
    weight = np.append(np.cumsum(data.weight[order][::-1])[::-1], 0.0)
    return weight[np.searchsorted(data.scores[order], cuts)], float(weight[0])


def checked(
    scores: ArrayLike,
    labels: ArrayLike,
    sample_weight: ArrayLike | None,
    method: str,
    *,
    axes: int,
) -> Data:
    """Checks and converts the data of a search, with classes on a second axis."""
    check_choice("method", method, METHODS)
    values, truth = np.asarray(scores), np.asarray(labels)
    if values.dtype.kind in "biu":
        values = values.astype(np.float64)
    if values.dtype.name not in ("float16", "float32", "float64"):
        raise TypeError(
            f"scores must be float16, float32 or float64, got {values.dtype.name}."
        )
    if values.ndim != axes or values.shape != truth.shape:
        expected = "(N,)" if axes == 1 else "(N, C)"
        several = axes == 1 and values.ndim == 2 and values.shape == truth.shape
        hint = " search_class_thresholds takes (N, C)." if several else ""
        raise ValueError(
            f"scores and labels must have the same shape {expected}, "
            f"got {values.shape} and {truth.shape}.{hint}"
        )
    if not values.size:
        raise ValueError(f"scores must not be empty, got shape {values.shape}.")
    _refuse("scores", values, ~np.isfinite(values), "finite")
    _refuse("labels", truth, ~((truth == 0) | (truth == 1)), "0 or 1")
    if method == "grid":
        outside = (values < 0) | (values > 1)
        expected = "probabilities in [0, 1] for method='grid' ('exact' takes logits)"
        _refuse("scores", values, outside, expected)
    if sample_weight is None:
        return Data(values, truth == 1, None)
    weight = np.asarray(sample_weight, dtype=np.float64)
    check_sample_weight(weight, values.shape)
    check_range("sample_weight", weight)
    return Data(values, truth == 1, weight)


def _refuse(name: str, array: NDArray, bad: NDArray, expected: str) -> None:
    """Raises if anything is bad; names the first offender."""
    if bad.any():
        index = tuple(int(i) for i in np.unravel_index(np.argmax(bad), bad.shape))
        raise ValueError(
            f"{name} must be {expected}, got {array[index]!s} at index {index}."
        )
