"""Real data sets that come with scikit-learn, thinned until they are imbalanced.

Half is for training, a quarter each for validation and test, every part at the same
ratios; features are standardised with the training part's statistics.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits, load_wine

from conformance.training.data.parts import (
    Array,
    Problem,
    assemble,
    dealt,
    standardised,
)

# Of breast_cancer's target, where 1 is benign.
MALIGNANT = 0


def digits(*, seed: int, positive: int, ratio: int) -> Problem:
    """Cuts the 1797 digits into one digit against the rest.

    Args:
        seed: Of the thinning and the split.
        positive: The digit that is the positive class.
        ratio: Negatives kept for each positive. The positives are thinned too where
            there are not as many.
    """
    return _one_against_rest(load_digits, seed, positive, ratio)


def breast_cancer(*, seed: int, ratio: int) -> Problem:
    """Cuts 569 tumours into malignant, the positive class, and benign.

    Args:
        seed: Of the thinning and the split.
        ratio: As for :func:`digits`.
    """
    return _one_against_rest(load_breast_cancer, seed, MALIGNANT, ratio)


def wine_binary(*, seed: int, positive: int, ratio: int) -> Problem:
    """Cuts 178 wines into one cultivar against the other two.

    Args:
        seed: Of the thinning and the split.
        positive: The cultivar that is the positive class, 0, 1 or 2.
        ratio: As for :func:`digits`.
    """
    return _one_against_rest(load_wine, seed, positive, ratio)


def wine(*, seed: int, kept: Sequence[int]) -> Problem:
    """Takes the three cultivars for classes.

    Args:
        seed: Of the thinning and the split.
        kept: Wines of each class, of 59, 71 and 48.
    """
    features, labels = _loaded(load_wine)
    generator = np.random.default_rng(seed)
    rows = _kept(generator, labels, kept)
    return _cut("multiclass", generator, features[rows], labels[rows], labels[rows])


def digits_multiclass(
    *, seed: int, groups: Sequence[Sequence[int]], kept: Sequence[int]
) -> Problem:
    """Takes groups of digits for classes.

    Args:
        seed: Of the thinning and the split.
        groups: Digits of each class, no digit in two of them.
        kept: Images of each class; there are about 180 of each digit.
    """
    features, digit = _loaded(load_digits)
    labels = np.full(digit.shape, -1)
    for label, group in enumerate(groups):
        labels[np.isin(digit, group)] = label
    generator = np.random.default_rng(seed)
    rows = _kept(generator, labels, kept)
    return _cut("multiclass", generator, features[rows], labels[rows], labels[rows])


def digits_multilabel(
    *, seed: int, attributes: Sequence[Sequence[int]], kept: Sequence[int]
) -> Problem:
    """Takes attributes of a digit for labels.

    Args:
        seed: Of the thinning and the split.
        attributes: Digits that have each of them; they may overlap.
        kept: Images of each digit from 0 to 9, of about 180.
    """
    features, digit = _loaded(load_digits)
    generator = np.random.default_rng(seed)
    rows = _kept(generator, digit, kept)
    labels = np.stack([np.isin(digit[rows], group) for group in attributes], axis=1)
    return _cut(
        "multilabel", generator, features[rows], labels.astype(np.float64), digit[rows]
    )


@cache
def _loaded(load: Callable[[], Any]) -> tuple[Array, NDArray[np.int64]]:
    data = load()
    return data.data, data.target.astype(np.int64)


def _one_against_rest(
    load: Callable[[], Any], seed: int, positive: int, ratio: int
) -> Problem:
    features, target = _loaded(load)
    generator = np.random.default_rng(seed)
    rest = generator.permutation(np.flatnonzero(target != positive))
    own = np.flatnonzero(target == positive)
    if ratio * own.size > rest.size:
        own = generator.permutation(own)[: rest.size // ratio]
    rows = np.sort(np.concatenate([own, rest[: ratio * own.size]]))
    labels = (target[rows] == positive).astype(np.float64)
    return _cut("binary", generator, features[rows], labels, labels)


def _kept(
    generator: np.random.Generator, groups: NDArray[np.int64], kept: Sequence[int]
) -> NDArray[np.int64]:
    """Returns so many rows of each group, in their order; fails where it has fewer."""
    rows = [
        generator.choice(np.flatnonzero(groups == group), count, replace=False)
        for group, count in enumerate(kept)
    ]
    return np.sort(np.concatenate(rows))


def _cut(
    task: str,
    generator: np.random.Generator,
    features: Array,
    labels: NDArray[Any],
    groups: NDArray[Any],
) -> Problem:
    part = dealt(generator, groups)
    return assemble(task, standardised(features, part), labels, part)
