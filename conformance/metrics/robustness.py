"""How a metric falls when features are disturbed by noise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from conformance.metrics.decisions import accuracy
from conformance.metrics.plain import plain
from refimpl._validate import check_integer

SIGMAS = (0.0, 0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True)
class Robustness:
    """A metric at each level of noise.

    Attributes:
        sigmas: Standard deviations of the noise, in the unit of the features.
        values: The metric of each repeat (outer) at each sigma (inner).
        means: Means over repeats.
        deviations: Their standard deviations; None with one repeat.
        drops: ``(clean - mean) / clean``; None where the clean metric is 0.
        clean: The metric without noise.
    """

    sigmas: tuple[float, ...]
    values: tuple[tuple[float, ...], ...]
    means: tuple[float, ...]
    deviations: tuple[float | None, ...]
    drops: tuple[float | None, ...]
    clean: float

    def to_dict(self) -> dict[str, Any]:
        """Returns dictionaries, lists and numbers; None is no data."""
        return plain(self)


def noise_robustness(
    predict: Callable[[NDArray], ArrayLike],
    features: NDArray,
    labels: ArrayLike,
    *,
    sigmas: Sequence[float] = SIGMAS,
    seed: int,
    repeats: int = 5,
    metric: Callable[[ArrayLike, ArrayLike], float] = accuracy,
) -> Robustness:
    """Measures a metric while Gaussian noise is added to the features.

    Args:
        predict: From features to what ``metric`` takes, without randomness of its own.
        features: Floating, examples along the first axis.
        labels: Handed to ``metric``.
        sigmas: Standard deviations, finite and >= 0, in the unit of the features.
        seed: Of the noise, >= 0.
        repeats: How many draws of the noise, >= 1.
        metric: Of ``(labels, predict(features))``; higher is better.

    Returns:
        The metric at each sigma, and by which share of itself it drops.

    Raises:
        TypeError: ``features`` not floating, or ``seed`` or ``repeats`` no integer.
        ValueError: A number out of range.

    Convention:
        One draw of standard normal noise for each repeat is scaled by every sigma, and
        depends on nothing but ``seed``, the repeat and the shape: models that are
        measured with one seed see the same noise, so their curves can be subtracted.
        Noise is drawn in float64; features keep their dtype.

    Example:
        >>> features, labels = np.array([-1.0, -0.1, 0.2, 3.0]), [0, 0, 1, 1]
        >>> found = noise_robustness(
        ...     lambda x: 1.0 * (x > 0.0), features, labels, sigmas=(0.0, 1.0), seed=4
        ... )
        >>> found.means
        (1.0, 0.7)
    """
    levels = np.asarray(sigmas, dtype=np.float64)
    if levels.ndim != 1 or not levels.size or not np.isfinite(levels).all():
        raise ValueError(f"sigmas must be finite numbers, at least one, got {sigmas}.")
    if (levels < 0.0).any():
        raise ValueError(f"sigmas must be >= 0, got {sigmas}.")
    if not np.issubdtype(np.asarray(features).dtype, np.floating):
        raise TypeError(f"features must be floating, got {np.asarray(features).dtype}.")
    check_integer("seed", seed, low=0)
    check_integer("repeats", repeats, low=1)
    clean = float(metric(labels, predict(features)))
    values = np.full((repeats, levels.size), clean)
    for repeat in range(repeats):
        noise = np.random.default_rng((seed, repeat)).standard_normal(features.shape)
        for at in np.flatnonzero(levels):
            disturbed = (features + levels[at] * noise).astype(features.dtype)
            values[repeat, at] = metric(labels, predict(disturbed))
    return _summed(levels, values, clean)


def _summed(
    levels: NDArray[np.float64], values: NDArray[np.float64], clean: float
) -> Robustness:
    # Differences, so that nothing changed is exactly no change.
    changes = values - clean
    means = clean + changes.mean(axis=0)
    spread = changes.std(axis=0, ddof=1).tolist() if len(values) > 1 else None
    return Robustness(
        sigmas=tuple(levels.tolist()),
        values=tuple(map(tuple, values.tolist())),
        means=tuple(means.tolist()),
        deviations=(None,) * len(means) if spread is None else tuple(spread),
        drops=tuple((clean - m) / clean if clean else None for m in means.tolist()),
        clean=clean,
    )
