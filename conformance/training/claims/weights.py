"""Class weights as printed; ``refimpl.weights`` has them as stated in words."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

# Figures printed for the counts 900, 90 and 10: claims C1, C2 and C3. Only the last
# follow from the formula stated; the second are those of no beta, and the last of them
# is that of the inverse square root for 90.
PRINTED_CLASS_WEIGHTS: Mapping[str, tuple[float, float, float]] = {
    "inverse_frequency": (0.0111, 0.1111, 1.0),
    "effective_number": (0.0011, 0.0110, 0.1054),
    "inverse_square_root": (0.0333, 0.1054, 0.3162),
}


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
