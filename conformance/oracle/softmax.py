"""Losses on a softmax over classes, each example a row of logits.

Limits at infinite logits are stated directly: distances to the largest logit are then
infinite, their exponentials 0, and 0 times infinity is 0. Two infinite largest logits,
and rows that are -inf throughout, have no limit.

Errors: a distance d loses one rounding, which its exponential magnifies by d. A sum
of exponentials loses the mean of that over its terms. Nothing else is amplified where
the largest term is kept apart, so the confident tail is as accurate as the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mpmath import mp, mpf

from conformance.oracle._core import (
    Args,
    Number,
    Outputs,
    Real,
    exact,
    power,
    sigmoid,
    softplus,
    times,
    total,
    unknown,
)

ONE, ZERO = mpf(1), mpf(0)


@dataclass(frozen=True)
class _Near:
    """A number >= 0 and its relative error in unit round-offs."""

    value: Real
    error: Real


@dataclass(frozen=True)
class _Spread:
    """Distances of logits from the largest, which are >= 0, and its exponentials."""

    gaps: list[Real]
    shares: list[Real]

    def mean_gap(self, left_out: int) -> Real:
        """Mean distance over all but one logit, weighted by their shares."""
        kept = [k for k in range(len(self.gaps)) if k != left_out]
        rest = self.rest(left_out)
        if not rest:
            return ZERO
        return mp.fsum(times(self.shares[k], self.gaps[k]) for k in kept) / rest

    def rest(self, left_out: int) -> Real:
        """Sum of all shares but one."""
        return mp.fsum(s for k, s in enumerate(self.shares) if k != left_out)

    @property
    def top(self) -> int:
        """The largest logit."""
        return self.gaps.index(0)

    @property
    def whole(self) -> _Near:
        """Sum of all shares; that of the largest is exactly 1."""
        rest = self.rest(self.top)
        return _Near(1 + rest, rest / (1 + rest) * (1 + self.mean_gap(self.top)))

    @property
    def log_whole(self) -> tuple[Real, Real]:
        """Logarithm of the sum, and its absolute error."""
        return mp.log1p(self.rest(self.top)), self.whole.error


def _spread(logits: Sequence[Real]) -> _Spread | None:
    """Distances from the largest logit, or None where there is no limit."""
    largest = max(logits)
    if any(mp.isnan(x) for x in logits) or largest == -mp.inf:
        return None
    if largest == mp.inf and list(logits).count(largest) > 1:
        return None
    gaps = [ZERO if x == largest else largest - x for x in logits]
    return _Spread(gaps, [mp.exp(-gap) for gap in gaps])


def _negative_log(spread: _Spread, k: int) -> _Near:
    """Computes -log p of a class."""
    log_whole, error = spread.log_whole
    value = spread.gaps[k] + log_whole
    if value in (0, mp.inf):
        return _Near(value, ZERO)
    return _Near(value, 2 + error / value)


def _probability(spread: _Spread, k: int) -> _Near:
    whole = spread.whole
    return _Near(spread.shares[k] / whole.value, 2 + spread.gaps[k] + whole.error)


def _complement(spread: _Spread, k: int) -> _Near:
    """Computes 1 - p of a class, as the sum of the others."""
    whole = spread.whole
    return _Near(spread.rest(k) / whole.value, 2 + spread.mean_gap(k) + whole.error)


def _is_index(a: Args) -> bool:
    return not isinstance(a["labels"], list)


def _labels(a: Args) -> list[Real]:
    """Labels as probabilities."""
    if not _is_index(a):
        return a["labels"]
    return [ONE if k == a["labels"] else ZERO for k in range(len(a["logits"]))]


def _weights(a: Args) -> list[Real]:
    return a["class_weights"] or [ONE] * len(a["logits"])


def _normalizer(a: Args) -> Number:
    """What the example adds to the divisor of the mean; labels are not smoothed."""
    if a["normalizer"] == "count":
        return exact(1)
    if _is_index(a):
        return exact(_weights(a)[int(a["labels"])])
    return total(*((y * w, ONE) for y, w in zip(_labels(a), _weights(a), strict=True)))


def _targets(a: Args) -> tuple[list[Real], list[Real], Real]:
    """Smoothed labels, their slopes by the smoothing, and by the label."""
    y, s = _labels(a), a["label_smoothing"]
    classes = len(y)
    if a["smoothing"] == "uniform":
        targets = [(1 - s) * one + s / classes for one in y]
        return targets, [mpf(1) / classes - one for one in y], 1 - s
    others = max(classes - 1, 1)
    targets = [(1 - s) * one + s * (1 - one) / others for one in y]
    return targets, [(1 - one) / others - one for one in y], 1 - s - s / others


def _cross_entropy(a: Args) -> Outputs:
    """Cross-entropy; every target has a weight and its own -log p."""
    spread = _spread(a["logits"])
    if spread is None:
        return _nothing(a, unknown())
    v, w = a["sample_weight"], _weights(a)
    classes = range(len(w))
    t, by_smoothing, by_label = _targets(a)
    c = [times(v, w[k], t[k]) for k in classes]
    nll = [_negative_log(spread, k) for k in classes]

    def term(k: int, *factors: Real) -> tuple[Real, Real]:
        # Two roundings make the target, two more its weights.
        return times(*factors, nll[k].value), 2 + nll[k].error

    def slope(k: int) -> Number:
        p, not_p = _probability(spread, k), _complement(spread, k)
        against = mp.fsum(c[j] for j in classes if j != k)
        return total(
            (times(p.value, against), 2 + p.error),
            (-times(c[k], not_p.value), 2 + not_p.error),
        )

    outputs: Outputs = {
        "value": total(*(term(k, c[k]) for k in classes)),
        "grad_logits": [slope(k) for k in classes],
        "grad_sample_weight": total(*(term(k, w[k], t[k]) for k in classes)),
        "grad_class_weights": [total(term(k, v, t[k])) for k in classes],
        "grad_label_smoothing": total(
            *(term(k, v, w[k], by_smoothing[k]) for k in classes)
        ),
        "normalizer": _normalizer(a),
    }
    if not _is_index(a):
        outputs["grad_labels"] = [total(term(k, v, w[k], by_label)) for k in classes]
    return outputs


def _focal(a: Args) -> Outputs:
    """Focal loss of the margin of the labelled class over all others together."""
    y = int(a["labels"])
    x, rivals = a["logits"][y], [v for k, v in enumerate(a["logits"]) if k != y]
    spread = _spread(rivals) if rivals and max(rivals) > -mp.inf else None
    hopeless = _spread(a["logits"]) is None or any(mp.isnan(r) for r in rivals)
    if hopeless:
        return _nothing(a, unknown())
    m, error = _margin(x, rivals, spread)
    w, g = _weights(a)[y], a["gamma"]
    loss, modulator, slope, log_q = _focused(m, g, error)
    parts = iter(range(len(rivals)))

    def share(k: int) -> Number:
        if k == y:
            return total((-times(w, slope.value), 1 + slope.error))
        j = next(parts)
        if spread is None:
            return exact(0)
        p = _probability(spread, j)
        term = times(w, slope.value, p.value)
        return total((term, 1 + slope.error + p.error))

    focused = times(modulator.value, loss.value)
    rounding = modulator.error + loss.error
    return {
        "value": total((times(w, focused), 1 + rounding)),
        "grad_logits": [share(k) for k in range(len(a["logits"]))],
        "grad_class_weights": [
            total((focused if k == y else ZERO, rounding))
            for k in range(len(a["logits"]))
        ],
        "grad_gamma": total(
            (-times(w, focused, log_q.value), 1 + rounding + log_q.error)
        ),
        "normalizer": _normalizer(a),
    }


def _margin(
    x: Real, rivals: Sequence[Real], spread: _Spread | None
) -> tuple[Real, Real]:
    """Logit minus the log of the sum of the others' exponentials; absolute error."""
    if spread is None or x == mp.inf:
        return mp.inf, ZERO
    largest = max(rivals)
    if largest == mp.inf or x == -mp.inf:
        return -mp.inf, ZERO
    log_whole, error = spread.log_whole
    m = x - largest - log_whole
    return m, max(abs(x - largest), abs(m)) + log_whole + error


def _focused(m: Real, g: Real, error: Real) -> tuple[_Near, _Near, _Near, _Near]:
    """The loss without focus, (1-p)**gamma, -d/dm of their product, -log(1-p)."""
    nothing, whole = _Near(ZERO, ZERO), _Near(ONE, ZERO)
    if m == mp.inf:
        return nothing, _Near(power(ZERO, g), ZERO), nothing, nothing
    if m == -mp.inf:
        return _Near(mp.inf, ZERO), whole, whole, nothing
    q, p, loss, log_q = sigmoid(-m), sigmoid(m), softplus(-m), softplus(m)
    # What an error of the margin does to each, relative to itself, and the rounding
    # of the logarithm whose exponential the power is.
    by_loss, by_q, by_log = q / loss * error, p * error, p / log_q * error
    focus = g * (p * error + log_q + mpf(1) / 2)
    terms = total(
        (g * p * loss, focus + q * error + by_loss + 2),
        (q, focus + by_q + 2),
    )
    return (
        _Near(loss, by_loss + 1),
        _Near(power(q, g), focus + 1),
        _Near(power(q, g) * terms.value, terms.scale / terms.value + 1),
        _Near(log_q, by_log + 1),
    )


def _nothing(a: Args, nothing: Number) -> Outputs:
    """Outputs that are all alike: NaN, or 0 for an ignored row."""
    row = [nothing] * len(a["logits"])
    return {
        "value": nothing,
        "grad_logits": row,
        "grad_labels": row,
        "grad_sample_weight": nothing,
        "grad_class_weights": row,
        "grad_label_smoothing": nothing,
        "grad_gamma": nothing,
        "normalizer": exact(0) if nothing.value == 0 else _normalizer(a),
    }


def _unless_ignored(definition: Callable[[Args], Outputs]) -> Callable[[Args], Outputs]:
    """Takes an ignored row for one that is not there, whatever stands in it."""

    def evaluate(a: Args) -> Outputs:
        ignored = _is_index(a) and a["labels"] == a["ignore_index"]
        return _nothing(a, exact(0)) if ignored else definition(a)

    return evaluate


DEFINITIONS: dict[str, Callable[[Args], Outputs]] = {
    "cross_entropy": _unless_ignored(_cross_entropy),
    "softmax_focal_loss": _unless_ignored(_focal),
}
