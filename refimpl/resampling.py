"""Over-sampling and SMOTE by imbalanced-learn, on the training examples alone."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from refimpl import _validate
from refimpl._arrays import class_indices

SamplingStrategy = (
    str | float | list[int] | dict[int, int] | Callable[..., dict[int, int]]
)


class Oversampled(NamedTuple):
    """Training examples, some of them repeated.

    Attributes:
        features: ``(M, ...)``, in the dtype that came in.
        labels: ``(M,)``, in the dtype that came in.
        indices: Row that each example was in before, ``(M,)``.
    """

    features: NDArray[Any]
    labels: NDArray[Any]
    indices: NDArray[np.int64]


def oversample(
    features: ArrayLike,
    labels: ArrayLike,
    train_indices: ArrayLike,
    *,
    seed: int,
    sampling_strategy: SamplingStrategy = "auto",
) -> Oversampled:
    """Repeats random training examples of the rarer classes.

    Args:
        features: Examples, ``(N, ...)``: images too, and any dtype.
        labels: Class indices, integers or booleans, ``(N,)``.
        train_indices: Rows of the training examples, from a split made **before**.
        seed: Seed of imbalanced-learn's draws, in [0, 2**32).
        sampling_strategy: As in ``RandomOverSampler``: ``"auto"`` brings every class
            to the size of the largest; a number is the ratio of rare to frequent for
            two classes; a dict gives the size of each class.

    Returns:
        The training examples in the order of ``train_indices``, then the repeated
        ones, class by class.

    Raises:
        ImportError: imbalanced-learn is not installed.
        TypeError: An argument is of the wrong kind.
        ValueError: A shape does not fit, an index is out of range, the training
            examples are of one class, or the strategy cannot be followed.

    Convention:
        Rows outside ``train_indices`` are never read, so copies of one example
        cannot lie on both sides of a split. The model learns the new prior; weights
        in the loss multiply it, see :func:`refimpl.sampling.sample_weights`. To draw
        by index without copying, use :mod:`refimpl.sampling`.

    Example:
        >>> oversample([[1.0], [2.0], [9.0]], [0, 0, 1], [0, 1, 2], seed=0).indices
        array([0, 1, 2, 2])

    References:
        Resampling before the split leaks: https://github.com/pycaret/pycaret/issues/680
    """
    imblearn = _imbalanced_learn()
    features, labels, rows = _checked(features, labels, train_indices, seed)
    sampler = imblearn.over_sampling.RandomOverSampler(
        sampling_strategy=sampling_strategy, random_state=seed
    )
    # The rows are all that it needs: nothing is flattened and no dtype is refused.
    column, _ = sampler.fit_resample(rows[:, np.newaxis], labels[rows])
    indices = column[:, 0]
    return Oversampled(features[indices], labels[indices], indices)


def smote(
    features: ArrayLike,
    labels: ArrayLike,
    train_indices: ArrayLike,
    *,
    seed: int,
    k_neighbors: int = 5,
    sampling_strategy: SamplingStrategy = "auto",
) -> tuple[NDArray[Any], NDArray[Any]]:
    r"""Adds synthetic training examples to the rarer classes.

    .. math::
        x_{\text{new}} = x_i + u \, (x_j - x_i), \qquad u \in [0, 1),

    :math:`x_j` one of the k nearest neighbours of :math:`x_i` in its class.

    Args:
        features: Examples, ``(N, ...)``, floating; finite in the training rows. Axes
            after the first are flattened for the distances and restored.
        labels: Class indices, integers or booleans, ``(N,)``.
        train_indices: Rows of the training examples, from a split made **before**.
        seed: Seed of imbalanced-learn's draws, in [0, 2**32).
        k_neighbors: Neighbours k to choose among, >= 1. A class of n training
            examples has n - 1: there k falls to that, with a warning.
        sampling_strategy: As in :func:`oversample`.

    Returns:
        ``(features, labels)`` in the dtypes that came in: the training examples in the
        order of ``train_indices``, then the synthetic ones.

    Raises:
        ImportError: imbalanced-learn is not installed.
        TypeError: An argument is of the wrong kind. Integer features are refused:
            what lies between two of them is no integer.
        ValueError: As for :func:`oversample`, or training features are not finite.

    Convention:
        k falls only in the class that is too small. A class of one example has nothing
        to interpolate with: it is repeated as it is, with a warning. With k the same
        in every class this is imbalanced-learn's own output, bit for bit. float16 is
        computed in float32. Distances mean what the scales of the features mean:
        scale first, by the training examples. The model learns the new prior, see
        :func:`refimpl.sampling.sample_weights`.

    Example:
        >>> x = np.array([0.0, 0.1, 0.2, 0.3, 5.0, 7.0, 9.0])
        >>> y = np.array([0, 0, 0, 0, 1, 1, 1])
        >>> smote(x, y, range(7), seed=0, k_neighbors=2)[0].round(2)
        array([0.  , 0.1 , 0.2 , 0.3 , 5.  , 7.  , 9.  , 7.81])

    References:
        Chawla et al., 2002. https://arxiv.org/abs/1106.1813. k larger than the class:
        https://github.com/scikit-learn-contrib/imbalanced-learn/issues/572. SMOTE
        before the split leaks: https://github.com/pycaret/pycaret/issues/680
    """
    imblearn = _imbalanced_learn()
    features, labels, rows = _checked(features, labels, train_indices, seed)
    _validate.check_floating("features", features)
    _validate.check_integer("k_neighbors", k_neighbors, low=1)
    x, y = features[rows], labels[rows]
    if not np.isfinite(x).all():
        raise ValueError("features must be finite in the rows of train_indices.")
    flat = x.reshape(len(x), -1).astype(np.promote_types(x.dtype, np.float32))
    plan = imblearn.over_sampling.SMOTE(sampling_strategy=sampling_strategy)
    targets: dict[int, dict[int, int]] = {}
    for label, more in plan.fit(flat, y).sampling_strategy_.items():
        size = int(np.count_nonzero(y == label))
        if more:
            k = _neighbors(k_neighbors, label, size)
            targets.setdefault(k, {})[label] = size + more
    parts = [(x, y)]
    for k, sizes in targets.items():
        new_x, new_y = _sampler(imblearn, k, sizes, seed).fit_resample(flat, y)
        new_x = new_x[len(x) :].reshape(-1, *x.shape[1:]).astype(x.dtype)
        parts.append((new_x, new_y[len(y) :]))
    xs, ys = zip(*parts, strict=True)
    return np.concatenate(xs), np.concatenate(ys)


def _sampler(imblearn: Any, k: int, sizes: dict[int, int], seed: int) -> Any:
    """Returns the sampler for classes with k neighbours; without any it repeats."""
    options = {"sampling_strategy": sizes, "random_state": seed}
    if k == 0:
        return imblearn.over_sampling.RandomOverSampler(**options)
    return imblearn.over_sampling.SMOTE(k_neighbors=k, **options)


def _neighbors(k: int, label: int, size: int) -> int:
    """Returns as many neighbours as a class has; warns if they are fewer than k."""
    if size > k:
        return k
    what = f"k_neighbors falls from {k} to {size - 1} there"
    if size == 1:
        what = f"k_neighbors={k} finds no neighbour, so it is repeated as it is"
    examples = "example" if size == 1 else "examples"
    warnings.warn(
        f"Class {label} has {size} training {examples}: {what}.", stacklevel=3
    )
    return size - 1


def _checked(
    features: ArrayLike, labels: ArrayLike, train_indices: ArrayLike, seed: int
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    x, y, rows = np.asarray(features), class_indices(labels), np.asarray(train_indices)
    if y.ndim != 1 or x.shape[:1] != y.shape:
        raise ValueError(
            "labels must have one axis and features one row for each, "
            f"got {y.shape} and {x.shape}."
        )
    if rows.dtype == bool:
        raise TypeError(
            "train_indices must be integers, got bool; np.flatnonzero(mask) makes them."
        )
    if rows.size and not np.issubdtype(rows.dtype, np.integer):
        raise TypeError(f"train_indices must be integers, got {rows.dtype}.")
    if rows.ndim != 1:
        raise ValueError(f"train_indices must have one axis, got shape {rows.shape}.")
    bad = (rows < 0) | (rows >= len(y))
    if bad.any():
        raise ValueError(f"train_indices must be in [0, {len(y)}), got {rows[bad][0]}.")
    rows = rows.astype(np.int64)
    if len(np.unique(y[rows])) < 2:
        raise ValueError(
            "labels must have two classes or more in the rows of train_indices, "
            f"got {np.unique(y[rows])}."
        )
    _validate.check_integer("seed", seed, low=0)
    if seed >= 2**32:
        raise ValueError(f"seed must be < 2**32, got {seed}.")
    return x, y, rows


def _imbalanced_learn() -> Any:
    try:
        import imblearn.over_sampling
    except ImportError as error:
        raise ImportError(
            "Resampling needs imbalanced-learn: pip install equipoise[sampling]"
        ) from error
    return imblearn
