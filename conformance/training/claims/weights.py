"""Class weights, as stated in words and as printed in figures."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# Figures printed for the counts 900, 90 and 10: claims C1, C2 and C3.
PRINTED_CLASS_WEIGHTS: Mapping[str, tuple[float, float, float]] = {
    "inverse_frequency": (0.0111, 0.1111, 1.0),
    "effective_number": (0.0011, 0.0110, 0.1054),
    "inverse_square_root": (0.0333, 0.1054, 0.3162),
}


def inverse_frequency(counts: ArrayLike) -> Array:
    """Claim C1, as stated: inverse frequencies normalised to the sum K.

    Args:
        counts: Examples per class, shaped ``(K,)``.

    Returns:
        (0.029703, 0.297030, 2.673267) for 900, 90, 10; not what is printed.
    """
    inverse = 1 / np.asarray(counts, dtype=np.float64)
    return inverse / inverse.sum() * inverse.size


def rarest_over_count(counts: ArrayLike) -> Array:
    """Claim C1, as printed: the figures are the rarest class's count over each count.

    They are the stated weights divided by the largest, so the loss differs from the
    stated one by a constant where the mean does not divide by the weights.

    Args:
        counts: Examples per class, shaped ``(K,)``.

    Returns:
        Weights, of which the largest is 1.
    """
    counts = np.asarray(counts, dtype=np.float64)
    return counts.min() / counts


def effective_number(counts: ArrayLike, *, beta: float = 0.999) -> Array:
    """Claim C2, as stated: (1 - beta) / (1 - beta ** n).

    Args:
        counts: Examples per class, shaped ``(K,)``.
        beta: In [0, 1).

    Returns:
        (0.0016846, 0.0116131, 0.1004508) for 900, 90, 10. The printed figures belong
        to no beta: the last is that of the inverse square root for 90.
    """
    counts = np.asarray(counts, dtype=np.float64)
    # 1 - beta ** n without cancellation for beta near 1.
    return (1 - beta) / -np.expm1(counts * np.log(beta))


def inverse_square_root(counts: ArrayLike) -> Array:
    """Claim C3: inverse square roots; the printed figures hold.

    Args:
        counts: Examples per class, shaped ``(K,)``.

    Returns:
        (0.0333, 0.1054, 0.3162) for 900, 90, 10.
    """
    return 1 / np.sqrt(np.asarray(counts, dtype=np.float64))


def pos_weight(labels: Array, *, maximum: float = 100.0) -> Array:
    """Claims B3 and B6, the cure: N_neg / max(N_pos, 1) per class, capped.

    Args:
        labels: 0 or 1, shaped ``(N, C)``.
        maximum: The cap; a class without positives gets it, or N where that is less.

    Returns:
        Weights shaped ``(C,)``.
    """
    positives = labels.sum(axis=0)
    negatives = len(labels) - positives
    return np.minimum(negatives / np.maximum(positives, 1), maximum)


def inverted_pos_weight(labels: Array, *, minimum: float = 1e-3) -> Array:
    """Claim B1, the mistake: N_pos / N_neg per class, clamped from below.

    The rarer the class, the less its positives weigh; the library's ``pos_weight``
    wants the inverse.

    Args:
        labels: 0 or 1, shaped ``(N, C)``.
        minimum: The smallest weight.

    Returns:
        Weights shaped ``(C,)``.
    """
    positives = labels.sum(axis=0)
    negatives = len(labels) - positives
    return np.maximum(positives / np.maximum(negatives, 1), minimum)
