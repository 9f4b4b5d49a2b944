"""What weights do to the loss, in numbers and in sentences."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from refimpl._arrays import to_numpy
from refimpl._inputs import hyperparameter
from refimpl._validate import check_number, check_range
from refimpl.weights._arrays import as_class_counts, as_count_pair

# Weights that differ by less are the same for training.
_SAME = 0.01
_LISTED = 5


class WeightReport(NamedTuple):
    """What weights do; classes first, :func:`explain_pos_weight` in brackets.

    Attributes:
        ratio: Count of the commonest class over that of the rarest one that has
            examples (negatives per positive of each label, which may be infinite).
        weight_ratio: Weight of the rarest over that of the commonest (the weight of the
            positives). Equal to ``ratio`` where the two are balanced.
        prior: Share of each class in the examples (of the positives of each label).
        effective_prior: Share in the weighted loss, which is the prior that a trained
            model sees: 1 / K (1 / 2) is balance. NaN where all weigh 0.
        effective_size: Number of examples, all of one weight, whose mean is as noisy as
            the weighted mean: (sum of weights)^2 / sum of squares (for each label).
        notes: One sentence for each oddity; empty if there is none.
    """

    ratio: Any
    weight_ratio: Any
    prior: NDArray
    effective_prior: NDArray
    effective_size: Any
    notes: tuple[str, ...]


def explain_weights(
    class_counts: Any, weights: Any, *, beta: float | None = None
) -> WeightReport:
    r"""Explains class weights.

    .. math::
        \tilde\pi_k = \frac{w_k n_k}{\sum_j w_j n_j},\qquad
        N_{\mathrm{eff}} = \frac{(\sum_k w_k n_k)^2}{\sum_k w_k^2 n_k}

    Args:
        class_counts: Examples :math:`n_k` of each class, shape ``(K,)``, >= 0.
        weights: Weight :math:`w_k` of each class, likewise.
        beta: What ``effective_number`` was called with, for a note where it has no
            effect.

    Returns:
        The report.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Unequal shapes, a value out of range, or no example at all.

    Convention:
        Notes tell of classes without examples or with weight 0; of weights that are all
        equal, or rise with the counts; of a rarest class that the loss sees above
        1 / K; and of a beta that has no effect. What is within 1 % is equal. K is the
        number of classes that have examples.

    Example:
        >>> report = explain_weights([900, 90, 10], [900, 90, 10])
        >>> report.ratio, report.weight_ratio
        (90.0, 0.011111111111111112)
        >>> print(report.notes[0])  # doctest: +NORMALIZE_WHITESPACE
        The weights look inverted: class 2 with 10 examples weighs 10, class 0 with 900
        examples weighs 900.
    """
    counts = as_class_counts(class_counts)
    given = _as_weights(weights)
    if given.shape != counts.shape:
        raise ValueError(
            f"weights must have shape {counts.shape}, one for each class, "
            f"got {given.shape}."
        )
    if beta is not None:
        beta = float(hyperparameter("beta", beta, high=1))
    rarest, commonest = _extremes(counts)
    mass = counts * given
    return WeightReport(
        float(counts[commonest] / counts[rarest]),
        float(_ratio(given[rarest], given[commonest])),
        counts / counts.sum(),
        _ratio(mass, mass.sum()),
        float(_ratio(mass.sum() ** 2, (mass * given).sum())),
        tuple(_class_notes(counts, given, beta)),
    )


def explain_pos_weight(
    positives: Any,
    negatives: Any,
    weights: Any,
    *,
    max_value: float | None = 100.0,
) -> WeightReport:
    r"""Explains weights of the positive term, each label by itself.

    .. math::
        \tilde\pi_c = \frac{w_c N^+_c}{w_c N^+_c + N^-_c}

    Args:
        positives: Examples with label 1, a number or shape ``(C,)``, >= 0.
        negatives: Examples with label 0, likewise.
        weights: The weight :math:`w_c`, likewise, or a number for all labels.
        max_value: Cap that ``pos_weight`` was called with; ``None`` means none.

    Returns:
        The report.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: Unequal shapes, or a value out of range.

    Convention:
        Notes tell of labels without positives, without negatives or with weight 0; of
        weights that make the rarer side weigh less, or the loss see it above 1 / 2; of
        the cap; and of rare positives with weight 1. What is within 1 % is equal.

    Example:
        >>> report = explain_pos_weight([100, 5], [500, 9995], [0.2, 100.0])
        >>> report.ratio
        array([   5., 1999.])
        >>> for note in report.notes:
        ...     print(note)  # doctest: +NORMALIZE_WHITESPACE
        The weight looks inverted in label 0: label 0 with 100 positives and 500
        negatives has weight 0.2, where 5 is balance.
        The cap of 100 is reached in label 1: label 1 with 5 positives and 9995
        negatives has weight 100, where 1999 is balance.
    """
    plus, minus = as_count_pair(positives, negatives)
    if max_value is not None:
        check_number("max_value", max_value, positive=True)
    given = _as_weights(weights)
    if given.shape not in ((), plus.shape):
        raise ValueError(
            f"weights must be a number or have shape {plus.shape}, got {given.shape}."
        )
    given = np.broadcast_to(given, plus.shape)
    mass = plus * given
    cap = np.inf if max_value is None else max_value
    notes = _label_notes(plus.ravel(), minus.ravel(), given.ravel(), cap)
    return WeightReport(
        _ratio(minus, plus)[()],
        given[()],
        _ratio(plus, plus + minus)[()],
        _ratio(mass, mass + minus)[()],
        _ratio((mass + minus) ** 2, mass * given + minus)[()],
        tuple(notes),
    )


def _class_notes(
    counts: NDArray, weights: NDArray, beta: float | None
) -> Iterator[str]:
    seen = counts > 0
    rarest, commonest = _extremes(counts)

    def shown(k: int) -> str:
        return f"class {k} with {counts[k]:.10g} examples weighs {weights[k]:.4g}"

    if not seen.all():
        yield f"No examples, so the weight is a guess, in {_listed('class', ~seen)}."
    if (off := seen & (weights == 0)).any():
        yield f"Weight 0, so the examples do not train, in {_listed('class', off)}."
    if counts[commonest] <= counts[rarest] * (1 + _SAME):
        return
    if weights[rarest] * (1 + _SAME) < weights[commonest]:
        yield f"The weights look inverted: {shown(rarest)}, {shown(commonest)}."
    share = _ratio(counts * weights, np.sum(counts * weights))[rarest]
    if share * seen.sum() > 1 + _SAME:
        yield (
            f"The weights over-correct: class {rarest} is the rarest, with "
            f"{counts[rarest] / counts.sum():.3g} of the examples, and has {share:.3g} "
            f"of the weighted loss, where balance is {1 / seen.sum():.3g}."
        )
    if _spread(weights[seen]) <= _SAME:
        yield (
            "The weights are all equal: they scale the loss, and leave a ratio of "
            f"{counts[commonest] / counts[rarest]:.3g} between the classes."
        )
    if beta is not None:
        yield from _beta_notes(counts[seen], weights[seen], beta)


def _beta_notes(counts: NDArray, weights: NDArray, beta: float) -> Iterator[str]:
    limit = f"1 / (1 - beta) = {_ratio(1, 1 - beta):.6g}"
    if _spread(weights) <= _SAME:
        yield (
            f"beta = {beta!r} has no effect at these counts: all, from "
            f"{counts.min():g} on, lie far above {limit}, so the weights are equal to "
            f"within {_spread(weights):.2%}."
        )
    elif _spread(weights * counts) <= _SAME:
        yield (
            f"beta = {beta!r} has no effect at these counts: all, up to "
            f"{counts.max():g}, lie far below {limit}, so the weights are inverse "
            f"frequencies to within {_spread(weights * counts):.2%}."
        )


def _label_notes(
    plus: NDArray, minus: NDArray, weights: NDArray, cap: float
) -> Iterator[str]:
    balance = _ratio(minus, plus)
    both = (plus > 0) & (minus > 0)
    rare, common = both & (balance > 1 + _SAME), both & (balance < 1 / (1 + _SAME))
    heavy, light = weights > 1 + _SAME, weights < 1 / (1 + _SAME)
    beyond = _ratio(weights, balance)
    off = both & (weights == 0)
    found = {
        "No positives, so the weight is a guess,": plus == 0,
        "No negatives, so nothing can be learned,": (minus == 0) & (plus > 0),
        "Weight 0, so the positives do not train,": off,
        "The weight looks inverted": (rare & light & ~off) | (common & heavy),
        "The weight over-corrects": (rare & (beyond > 1 + _SAME))
        | (common & ~off & (beyond < 1 / (1 + _SAME))),
        # A weight that float32 rounded is the cap still.
        f"The cap of {cap:g} is reached": rare
        & (balance > weights)
        & np.isclose(weights, cap, rtol=1e-6),
        "Weight 1, which is no weighting, for rare positives": rare & ~heavy & ~light,
    }
    for what, where in found.items():
        if where.any():
            c = int(np.argmax(where))
            is_balance = f", where {balance[c]:.4g} is balance" if both[c] else ""
            yield (
                f"{what} in {_listed('label', where)}: label {c} with {plus[c]:.10g} "
                f"positives and {minus[c]:.10g} negatives has weight "
                f"{weights[c]:.4g}{is_balance}."
            )


def _as_weights(weights: Any) -> NDArray[np.float64]:
    array = to_numpy("weights", weights).astype(np.float64)
    check_range("weights", array)
    return array


def _extremes(counts: NDArray) -> tuple[int, int]:
    """Returns the rarest class that has examples, and the commonest."""
    rarest = np.argmin(np.where(counts > 0, counts, np.inf))
    return int(rarest), int(np.argmax(counts))


def _ratio(above: Any, below: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(above, below)


def _spread(values: NDArray) -> float:
    """Returns by what share the largest value exceeds the smallest."""
    return float(_ratio(values.max(), values.min()) - 1)


def _listed(noun: str, found: NDArray) -> str:
    places = [str(place) for place in np.flatnonzero(found)]
    if len(places) == 1:
        return f"{noun} {places[0]}"
    more = f" and {len(places) - _LISTED} more" if len(places) > _LISTED else ""
    plural = f"{noun}es" if noun == "class" else f"{noun}s"
    return f"{plural} {', '.join(places[:_LISTED])}{more}"
