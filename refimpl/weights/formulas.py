"""Weights from counts: of the positive term, and of the classes."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from refimpl._inputs import hyperparameter
from refimpl._validate import check_choice, check_number
from refimpl.weights._arrays import as_class_counts, as_count_pair

Array = NDArray[np.float64]

NORMALIZATIONS = ("sum", "mean")
ZERO_COUNTS = ("one", "zero", "raise")


def pos_weight(
    positives: Any, negatives: Any, *, max_value: float | None = 100.0
) -> Any:
    r"""Weighs the positives of each label against its own negatives.

    .. math::
        w = \min\!\left(\frac{N^-}{\max(N^+, 1)},\ w_{\max}\right)

    Args:
        positives: Examples :math:`N^+` with label 1: a number or shape ``(C,)``, >= 0.
        negatives: Examples :math:`N^-` with label 0, likewise.
        max_value: Cap, > 0. ``None`` means off.

    Returns:
        Float64 weights shaped like the counts, for ``pos_weight`` of the losses.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Unequal shapes, or a value out of range.

    Convention:
        Count over the whole training set, or a moving average, not over a batch.
        A label without positives gets the number of its negatives or the cap, which
        is less: never infinity or NaN. A label without negatives gets 0, which turns
        its loss off, as there is nothing to tell its examples from.
        1 stands for a count of 0 alone: averages and shares below 1 keep their ratio.
        Counts of one label have shape ``(1,)``, and so has their weight, which fits
        logits ``(N, 1)``. Logits ``(N,)`` need a number: ``weight.item()``.

    Example:
        >>> pos_weight([6000, 0, 30, 7], [30000, 500, 29970, 0])
        array([  5., 100., 100.,   0.])
        >>> float(pos_weight(100, 500))
        5.0
    """
    positives, negatives = as_count_pair(positives, negatives)
    if max_value is not None:
        check_number("max_value", max_value, positive=True)
    weight = negatives / np.where(positives == 0, 1, positives)
    return weight if max_value is None else np.minimum(weight, max_value)


def inverse_frequency(
    class_counts: Any,
    *,
    normalization: str | None = "sum",
    zero_count: str = "one",
    scale: float = 1.0,
) -> Array:
    r"""Weighs each class by one over its count.

    .. math::
        w_k = \frac{s}{Z}\,\frac{1}{n_k}

    Args:
        class_counts: Examples :math:`n_k` of each class, shape ``(K,)``, >= 0. Averages
            and shares will do; of :class:`LabelCounts` it is ``state.counts``.
        normalization: ``"sum"``: the weights sum to K. ``"mean"``: the mean weight of
            an example is 1, so a loss divided by the number of examples keeps its size.
            ``None``: as the formula stands, Z = 1.
        zero_count: What a class without examples gets. ``"one"``: the weight of a class
            with one example. ``"zero"``: 0. ``"raise"``: an error.
        scale: Factor s > 0 of all weights, after normalisation.

    Returns:
        Float64 weights, shape ``(K,)``, for ``class_weights`` of the losses.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A value out of range, or no example at all.

    Convention:
        ``"mean"`` is scikit-learn's ``"balanced"``, ``N / (K n_k)``. A class without
        examples never enters the ``"mean"``, as it has no example to average over. It
        enters the ``"sum"`` like every other under ``zero_count="one"``; under
        ``"zero"`` it is left out, so the weights sum to the number of the others.
        Where the mean of a loss divides by the weights, neither ``scale`` nor
        ``normalization`` changes it.

    Example:
        >>> [f"{weight:.6f}" for weight in inverse_frequency([900, 90, 10])]
        ['0.029703', '0.297030', '2.673267']
        >>> inverse_frequency([6, 2, 0], normalization="mean", zero_count="zero")
        array([0.66666667, 2.        , 0.        ])
    """
    return _class_weights(
        lambda n: 1 / n, class_counts, normalization, zero_count, scale
    )


def effective_number(
    class_counts: Any,
    *,
    beta: float = 0.999,
    normalization: str | None = "sum",
    zero_count: str = "one",
    scale: float = 1.0,
) -> Array:
    r"""Weighs each class by one over its effective number of examples.

    .. math::
        w_k = \frac{s}{Z}\,\frac{1 - \beta}{1 - \beta^{n_k}}

    Args:
        class_counts: Examples of each class in the whole training set, shape ``(K,)``,
            >= 0. The formula depends on their size, so shares will not do.
        beta: In [0, 1]. At 0 all weights are equal, at 1 they are inverse frequencies
            (the limit). A class has at most 1 / (1 - beta) effective examples, so beta
            matters where counts lie around that number.
        normalization: As in :func:`inverse_frequency`, like all below.
        zero_count: See there.
        scale: See there.

    Returns:
        Float64 weights, shape ``(K,)``, for ``class_weights`` of the losses.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A value out of range, or no example at all.

    Convention:
        As in :func:`inverse_frequency`. Accurate to rounding for every beta up to 1,
        where 1 - beta^n itself would cancel.

    Example:
        >>> raw = effective_number([900, 90, 10], normalization=None)
        >>> [f"{weight:.7f}" for weight in raw]
        ['0.0016846', '0.0116131', '0.1004508']

    References:
        Cui et al., 2019, eq. 3 and 6. https://arxiv.org/abs/1901.05555
    """
    beta = float(hyperparameter("beta", beta, high=1))

    def raw(n: Array) -> Array:
        if beta == 1:
            return 1 / n
        with np.errstate(divide="ignore"):  # beta = 0: log 0 = -inf, the weight is 1
            return (1 - beta) / -np.expm1(n * np.log(beta))

    return _class_weights(raw, class_counts, normalization, zero_count, scale)


def inverse_square_root(
    class_counts: Any,
    *,
    normalization: str | None = "sum",
    zero_count: str = "one",
    scale: float = 1.0,
) -> Array:
    r"""Weighs each class by one over the square root of its count.

    .. math::
        w_k = \frac{s}{Z}\,\frac{1}{\sqrt{n_k}}

    Args:
        class_counts: As in :func:`inverse_frequency`, like all below.
        normalization: See there.
        zero_count: See there.
        scale: See there.

    Returns:
        Float64 weights, shape ``(K,)``, for ``class_weights`` of the losses.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: A value out of range, or no example at all.

    Convention:
        As in :func:`inverse_frequency`, half way between that and no weights.

    Example:
        >>> raw = inverse_square_root([900, 90, 10], normalization=None)
        >>> [f"{weight:.4f}" for weight in raw]
        ['0.0333', '0.1054', '0.3162']
    """
    return _class_weights(
        lambda n: 1 / np.sqrt(n), class_counts, normalization, zero_count, scale
    )


def _class_weights(
    raw: Callable[[Array], Array],
    class_counts: Any,
    normalization: str | None,
    zero_count: str,
    scale: float,
) -> Array:
    counts = as_class_counts(class_counts)
    if normalization is not None:
        check_choice("normalization", normalization, NORMALIZATIONS)
    check_choice("zero_count", zero_count, ZERO_COUNTS)
    scale = float(hyperparameter("scale", scale, positive=True))
    empty = counts == 0
    if zero_count == "raise" and empty.any():
        raise ValueError(
            f"class_counts must be > 0, got 0 at class {int(np.argmax(empty))}."
        )
    weights = raw(np.where(empty, 1, counts))
    if zero_count == "zero":
        weights = np.where(empty, 0, weights)
    if normalization == "sum":
        scale *= np.count_nonzero(weights) / np.sum(weights)
    elif normalization == "mean":
        scale *= np.sum(counts) / np.sum(counts * weights)
    return scale * weights
